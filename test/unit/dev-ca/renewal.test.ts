/**
 * Renewals: what stays the same, what is kept, and what is left when one fails.
 *
 * @module
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'express-mtls';
import { openDevCa, type DevCa } from 'express-mtls/dev-ca';
import { replacePair } from '../../../src/dev-ca/pair-replacement.js';
import { temporaryDirectory } from '../../support/files.js';
import { openssl, testWithOpenssl } from '../../support/openssl.js';

const dayMs = 86_400_000;
let directory: string;
let ca: DevCa;

beforeEach(async () => {
  directory = temporaryDirectory();
  ca = await openDevCa(directory);
});

const inFolder = (file: string): string => path.join(directory, file);
const read = (file: string): string => readFileSync(inFolder(file), 'utf8');
const certificateIn = (file: string): X509Certificate => new X509Certificate(read(file));

function isPair(name: string): boolean {
  return certificateIn(`${name}-crt.pem`).checkPrivateKey(createPrivateKey(read(`${name}-key.pem`)));
}

describe('a renewed certificate', () => {
  test('has the same names and key, with a new serial number and a later expiry', async () => {
    await ca.issueClient('client1', {
      organization: 'Exämple',
      organizationalUnit: ['a', 'b'],
      email: ['one@example.com', 'two@example.com'],
      spiffeId: 'spiffe://example.org/client1',
      days: 1,
    });
    const before = { pem: read('client1-crt.pem'), key: read('client1-key.pem') };
    const old = certificateIn('client1-crt.pem');
    const renewed = await ca.renew('client1', { days: 30 });
    const certificate = certificateIn('client1-crt.pem');
    expect(certificate.subject).toBe(old.subject);
    expect(certificate.subjectAltName).toBe(old.subjectAltName);
    expect(certificate.keyUsage).toEqual(old.keyUsage);
    expect(certificate.serialNumber).not.toBe(old.serialNumber);
    expect(new Date(certificate.validTo).getTime()).toBeGreaterThan(
      new Date(old.validTo).getTime() + 28 * dayMs,
    );
    expect(read('client1-key.pem')).toBe(before.key);
    expect(isPair('client1')).toBe(true);
    const serial = old.serialNumber.toLowerCase();
    expect(renewed).toMatchObject({
      name: 'client1',
      kind: 'client',
      serialNumber: certificate.serialNumber.toLowerCase(),
      previous: { name: undefined, formerName: 'client1', serialNumber: serial, revokedAt: undefined },
      oldCertFile: inFolder(`old/client1-${serial}-crt.pem`),
      oldKeyFile: undefined,
      crl: undefined,
    });
    expect(read(`old/client1-${serial}-crt.pem`)).toBe(before.pem);
    expect(await ca.list()).toMatchObject([
      { name: undefined, formerName: 'client1', kind: 'client', serialNumber: serial },
      { name: 'client1', formerName: undefined, kind: 'client' },
    ]);
  });

  test('has a new key on request, and the old one is kept', async () => {
    await ca.issueServer();
    const before = read('server-key.pem');
    const { previous, oldKeyFile } = await ca.renew('server', { key: 'new' });
    expect(isPair('server')).toBe(true);
    expect(read('server-key.pem')).not.toBe(before);
    expect(oldKeyFile).toBe(inFolder(`old/server-${previous.serialNumber}-key.pem`));
    expect(readFileSync(oldKeyFile as string, 'utf8')).toBe(before);
    for (const file of [oldKeyFile as string, inFolder('server-key.pem')]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(certificateIn('server-crt.pem').checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(readdirSync(directory).filter((file) => /next|tmp|lock/.test(file))).toStrictEqual([]);
  });

  test('revokes the old one on request, as superseded', async () => {
    const { serialNumber } = await ca.issueClient('client1');
    const renewed = await ca.renew('client1', { old: 'revoke' });
    expect(renewed).toMatchObject({
      previous: { serialNumber, reason: 'superseded', formerName: 'client1' },
      crl: { entries: 1, number: 2n },
      revokedAt: undefined,
    });
  });

  testWithOpenssl('takes over what openssl wrote, octet for octet, and openssl knows both', async () => {
    openssl(
      directory,
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-384',
      '-out',
      'odd-key.pem',
    );
    const subject = '/C=DE/ST=a+street=b/1.2.3.4=x/O=Ex\\/ample/emailAddress=a@example.com/UID=u/CN=odd';
    openssl(directory, 'req', '-new', '-key', 'odd-key.pem', '-out', 'odd.csr', '-subj', subject);
    writeFileSync(
      inFolder('odd.cnf'),
      'extendedKeyUsage=clientAuth\nsubjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:odd@example.com,RID:1.2.3\n',
    );
    const by = ['-CA', 'ca-crt.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'odd.cnf'];
    openssl(directory, 'x509', '-req', '-in', 'odd.csr', ...by, '-out', 'odd-crt.pem');
    const show = ['-noout', '-subject', '-nameopt', 'oneline', '-ext', 'subjectAltName'];
    const before = openssl(directory, 'x509', '-in', 'odd-crt.pem', ...show);
    await ca.renew('odd', { key: 'new' });
    expect(openssl(directory, 'x509', '-in', 'odd-crt.pem', ...show)).toBe(before);
    expect(before).toContain('odd@example.com');
    const oneline = openssl(
      directory,
      'x509',
      '-in',
      'odd-crt.pem',
      '-noout',
      '-subject',
      '-nameopt',
      'compat',
    );
    expect(read('ca-database.txt').trimEnd().split('\t').at(-1)).toBe(
      oneline.trimEnd().replace('subject=', ''),
    );
  });
});

describe('there is no renewal', () => {
  test('of a missing certificate', async () => {
    await expect(ca.renew('client9')).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringMatching(/client9-crt\.pem is missing; issue it/) as unknown,
    });
  });

  test('of a revoked certificate, which would be admitted again', async () => {
    await ca.issueClient('client1');
    await ca.revoke('client1');
    await expect(ca.renew('client1')).rejects.toThrow(/was revoked at .*; a renewal would admit it again/);
    expect(await ca.list()).toHaveLength(1);
  });
});

describe('a renewal that fails half way', () => {
  test('restores the old key if the certificate cannot be replaced', async () => {
    const files = { certFile: inFolder('a-crt.pem'), keyFile: inFolder('a-key.pem') };
    // A folder that is not empty: no file can be renamed to it.
    mkdirSync(path.join(files.certFile, 'x'), { recursive: true });
    writeFileSync(files.keyFile, 'old');
    await expect(replacePair(files, 'new certificate', 'new key')).rejects.toMatchObject({
      syscall: 'rename',
    });
    expect(read('a-key.pem')).toBe('old');
    expect(statSync(files.keyFile).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).filter((file) => /next|tmp/.test(file))).toStrictEqual([]);
  });

  test('changes nothing if the old pair cannot be copied', async () => {
    await ca.issueClient('client1');
    const before = { pem: read('client1-crt.pem'), key: read('client1-key.pem') };
    writeFileSync(inFolder('old'), 'a file in the place of the folder');
    await expect(ca.renew('client1', { key: 'new' })).rejects.toMatchObject({ code: 'EEXIST' });
    expect({ pem: read('client1-crt.pem'), key: read('client1-key.pem') }).toStrictEqual(before);
  });

  test('is completed at the next opening if only the key was replaced', async () => {
    await ca.issueClient('client1');
    const { pem: oldPem } = { pem: read('client1-crt.pem') };
    await ca.renew('client1', { key: 'new' });
    const newPem = read('client1-crt.pem');
    writeFileSync(inFolder('client1-crt.next.pem'), newPem);
    writeFileSync(inFolder('client1-crt.pem'), oldPem);
    await openDevCa(directory);
    expect(read('client1-crt.pem')).toBe(newPem);
    expect(isPair('client1')).toBe(true);
    expect(readdirSync(directory).filter((file) => file.includes('next'))).toStrictEqual([]);
  });

  test.each([
    ['both new files were there, and none was replaced', ['client1-crt.next.pem', 'client1-key.next.pem']],
    ['the new certificate is none, or not of this key', ['client1-crt.next.pem']],
    ['the new key alone was there', ['client1-key.next.pem']],
  ])('is reverted at the next opening if %s', async (_, files) => {
    await ca.issueClient('client1');
    const before = read('client1-crt.pem');
    const other = await openDevCa(inFolder('other'));
    await other.issueClient('client1');
    for (const file of files) writeFileSync(inFolder(file), read(`other/${file.replace('.next', '')}`));
    await openDevCa(directory);
    expect(read('client1-crt.pem')).toBe(before);
    expect(isPair('client1')).toBe(true);
    expect(readdirSync(directory).filter((file) => file.includes('next'))).toStrictEqual([]);
  });
});

test('a server that watches both files switches from the old pair to the new one without a failure', async () => {
  await ca.issueServer();
  await ca.issueClient('client1');
  const server = await createServer(
    {
      key: inFolder('server-key.pem'),
      cert: inFolder('server-crt.pem'),
      ca: ca.certFile,
      crl: ca.crlFile,
      watch: { pollMs: 50 },
    },
    (_, response) => response.end('hello'),
  );
  const failures: unknown[] = [];
  server.mtls.on('reload-failed', (failure) => failures.push(failure));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const serialSeen = async (): Promise<string> => {
    const credentials = {
      ca: read('ca-crt.pem'),
      cert: read('client1-crt.pem'),
      key: read('client1-key.pem'),
    };
    const socket = tls.connect({ port, host: 'localhost', ...credentials });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber.toLowerCase();
  };
  try {
    for (let round = 0; round < 3; round++) {
      const { serialNumber, previous } = await ca.renew('server', { key: 'new' });
      const seen = new Set<string>();
      while (!seen.has(serialNumber)) seen.add(await serialSeen());
      expect([previous.serialNumber, serialNumber]).toEqual(expect.arrayContaining([...seen]));
    }
    expect(failures).toStrictEqual([]);
  } finally {
    await server.mtls.close();
    server.close();
    server.closeAllConnections();
  }
});
