/**
 * Folders that openssl made, imported: what they hold goes on over real TLS, and openssl goes on from there.
 *
 * @module
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect } from '@jest/globals';
import { createServer } from 'express-mtls';
import { openDevCa, type DevCa } from 'express-mtls/dev-ca';
import { runCommand, type CommandResult } from '../support/command.js';
import { Client } from '../support/client.js';
import { makeOpensslCaFolder, makeTutorialFolder, passphrase } from '../support/openssl-folders.js';
import { helloApp, listen, silent } from '../support/server.js';
import { temporaryDirectory } from '../support/files.js';
import { openssl, testWithOpenssl as test } from '../support/openssl.js';

const env = { EXPRESS_MTLS_CA_PASSPHRASE: passphrase };
const passin = ['-passin', `pass:${passphrase}`];
let before: { folder: string; files: Record<string, string> } | undefined;

// Whatever a test did: the folder was only read.
afterEach(() => {
  if (before !== undefined) expect(contentsOf(before.folder)).toStrictEqual(before.files);
  before = undefined;
});

function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), 'latin1'),
    ]),
  );
}

async function importFolder(
  folder: string,
  ...options: string[]
): Promise<{ directory: string; result: CommandResult }> {
  before = { folder, files: contentsOf(folder) };
  const directory = join(temporaryDirectory(), 'certs');
  const result = await runCommand(['import', folder, '--dir', directory, ...options], { env });
  return { directory, result };
}

/** Whether each is served, by a server that runs on the folder's own files and on a certificate that is issued now. */
async function answersTo(directory: string, devCa: DevCa, names: readonly string[]): Promise<unknown[]> {
  const { certFile, keyFile } = await devCa.issueServer({ name: 'new-server', algorithm: 'ec-p256' });
  const file = (name: string): string => join(directory, name);
  const server = await createServer(
    { key: keyFile, cert: certFile, ca: file('ca-crt.pem'), crl: file('ca-crl.pem'), logger: silent },
    helloApp(),
  );
  const target = { port: await listen(server), ca: readFileSync(file('ca-crt.pem'), 'utf8') };
  const statuses: unknown[] = [];
  for (const name of names) {
    const chainPem = readFileSync(file(`${name}-crt.pem`), 'utf8');
    const keyPem = readFileSync(file(`${name}-key.pem`), 'utf8');
    statuses.push((await new Client(target, { chainPem, keyPem }).get()).status);
  }
  return statuses;
}

describe("the classic walkthrough's folder", () => {
  test('with a version 1 CA is imported only with a reissued CA certificate, which matches all issued certificates', async () => {
    const folder = makeTutorialFolder(1);
    const refused = await importFolder(folder);
    expect(refused.result).toMatchObject({ code: 3, out: '' });
    expect(refused.result.err).toMatch(
      /(is of X\.509 version 1, which cannot mark it as a CA|lacks basicConstraints CA:TRUE), .*; add --remake-ca, .*\n$/,
    );
    const { directory, result } = await importFolder(folder, '--remake-ca');
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toMatch(/^ca +ca, its certificate reissued, its key still encrypted$/m);
    for (const name of ['server', 'client1', 'client2']) {
      expect(
        openssl(directory, 'verify', '-auth_level', '0', '-CAfile', 'ca-crt.pem', `${name}-crt.pem`),
      ).toContain('OK');
    }
    expect(() => openssl(directory, ...verifyWithCrl, 'client2-crt.pem')).toThrow(/certificate revoked/);
    expect(openssl(directory, ...verifyWithCrl, 'client1-crt.pem')).toContain('OK');
  });

  test('can be used further: with a new CRL, a row for every issued certificate, and warnings with remedies', async () => {
    const { directory, result } = await importFolder(makeTutorialFolder(3));
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toMatch(
      /^client2 +client2, serial [0-9a-f]+, with its key, revoked \d{4}-\d\d-\d\d$/m,
    );
    expect(result.out).toMatch(
      /^warning: database: it lacked client1, server, probably issued with openssl x509 -req\.$/m,
    );
    expect(result.out).toMatch(
      /^warning: client1: .*; it is signed with MD5, .*; its key is RSA with 1024 bits; at least 2048 are required.*\.\n {2}renew it: express-mtls renew client1 --as client --new-key --dir .*$/m,
    );
    expect(result.out).toMatch(/^warning: server: .*it names no host in subjectAltName/m);
    expect(result.out).toMatch(
      /^warning: crl: it is signed with MD5, which can be forged; it is of version 1 and has no number\.$/m,
    );
    expect(result.out).not.toContain('warning: client2');
    const crl = openssl(directory, 'crl', '-in', 'ca-crl.pem', '-noout', '-text', '-CAfile', 'ca-crt.pem');
    expect(crl).toMatch(/Version 2 [^]*sha256WithRSAEncryption[^]*CRL Number:\s+1\s[^]*Serial Number: /);
    expect(crl).toContain('verify OK');
    const devCa = await openDevCa(directory, { passphrase });
    await expect(devCa.revoke('client1')).resolves.toMatchObject({
      outcome: 'revoked',
      crl: { number: 2n, entries: 2 },
    });
  });

  test('serves new clients over TLS with the reissued CA certificate', async () => {
    const { directory } = await importFolder(makeTutorialFolder(1), '--remake-ca');
    const devCa = await openDevCa(directory, { passphrase });
    for (const name of ['alice', 'mallory']) await devCa.issueClient(name, { algorithm: 'ec-p256' });
    await devCa.revoke('mallory');
    expect(await answersTo(directory, devCa, ['alice', 'mallory'])).toStrictEqual([200, 'refused']);
  });

  test('is not imported into itself', async () => {
    const folder = makeTutorialFolder(3);
    before = { folder, files: contentsOf(folder) };
    const { code, err } = await runCommand(['import', folder, '--dir', join(folder, '.')], { env });
    expect(code).toBe(3);
    expect(err).toMatch(
      /is both the source and the target of the import; specify another target with --dir\n$/,
    );
  });
});

const verifyWithCrl = [
  'verify',
  '-auth_level',
  '0',
  '-crl_check',
  '-CAfile',
  'ca-crt.pem',
  '-CRLfile',
  'ca-crl.pem',
];

describe('a folder of openssl ca', () => {
  test('works over TLS: valid clients are served, revoked ones are not', async () => {
    const { directory, result } = await importFolder(makeOpensslCaFolder());
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).not.toContain('warning');
    const devCa = await openDevCa(directory, { passphrase });
    expect(await answersTo(directory, devCa, ['alice', 'bob'])).toStrictEqual([200, 'refused']);
  });

  test('can be used by openssl ca after the import, then by this CA again, and no number decreases', async () => {
    const { directory } = await importFolder(makeOpensslCaFolder());
    const [, configuration = ''] =
      /^```ini\n(.*?)^```$/ms.exec(readFileSync('docs/importing-a-ca.md', 'utf8')) ?? [];
    writeFileSync(join(directory, 'ca.cnf'), configuration);
    const ca = (...args: string[]): string =>
      openssl(directory, 'ca', '-config', 'ca.cnf', ...passin, ...args);
    // It answers, and fails, on some versions of OpenSSL.
    const statusOf = (serial: string): string => {
      try {
        return ca('-status', serial);
      } catch (error) {
        return String(error);
      }
    };
    const crlNumber = (): number => {
      const [, number = ''] =
        /crlNumber=(?:0x)?([0-9A-F]+)/i.exec(
          openssl(directory, 'crl', '-in', 'ca-crl.pem', '-noout', '-crlnumber'),
        ) ?? [];
      return parseInt(number, 16);
    };
    expect(crlNumber()).toBe(0x1001);

    const here = await openDevCa(directory, { passphrase });
    await here.issueClient('carol', { algorithm: 'ec-p256' });
    await here.revoke('alice', { reason: 'superseded' });
    expect(crlNumber()).toBe(0x1002);

    expect(() => ca('-revoke', 'alice-crt.pem')).toThrow(/[Aa]lready revoked/);
    expect(statusOf('1001')).toMatch(/1001=Revoked/);
    expect(statusOf('1000')).toMatch(/1000=Revoked/);
    ca('-revoke', 'carol-crt.pem', '-crl_reason', 'keyCompromise');
    openssl(
      directory,
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-noenc',
      '-keyout',
      'dave-key.pem',
      '-subj',
      '/CN=dave',
      '-out',
      'dave-csr.pem',
    );
    ca('-batch', '-notext', '-in', 'dave-csr.pem', '-out', 'dave-crt.pem');
    ca('-gencrl', '-out', 'ca-crl.pem');
    expect(crlNumber()).toBe(0x1003);

    const again = await openDevCa(directory, { passphrase });
    expect(await again.list()).toMatchObject([
      { name: 'alice', serialNumber: '1000', reason: 'superseded' },
      { name: 'bob', serialNumber: '1001', reason: 'keyCompromise' },
      { name: 'carol', reason: 'keyCompromise' },
      { name: 'dave', serialNumber: '1002', revokedAt: undefined },
    ]);
    expect(await again.revoke('dave')).toMatchObject({ crl: { number: 0x1004n, entries: 4 } });
    expect(openssl(directory, 'crl', '-in', 'ca-crl.pem', '-noout', '-CAfile', 'ca-crt.pem')).toContain(
      'verify OK',
    );
  });

  test('has a row that openssl recognizes for certificates with any name', async () => {
    const folder = makeTutorialFolder(3);
    const name = '/C=DE/O=a\\/b+OU=Zwölf/serialNumber=7/CN=x/DC=example/UID=u/GN=g/SN=s/title=t';
    openssl(
      folder,
      'req',
      '-new',
      '-utf8',
      '-multivalue-rdn',
      '-newkey',
      'rsa:2048',
      '-noenc',
      '-config',
      'ca.cnf',
      '-keyout',
      'odd-key.pem',
      '-subj',
      name,
      '-out',
      'odd-csr.pem',
    );
    openssl(
      folder,
      'x509',
      '-req',
      '-in',
      'odd-csr.pem',
      '-CA',
      'ca-crt.pem',
      '-CAkey',
      'ca-key.pem',
      ...passin,
      '-out',
      'odd-crt.pem',
    );
    const { directory } = await importFolder(folder);
    copyFileSync(resolve('certs-dev/ca.cnf'), join(directory, 'ca.cnf'));
    const revoke = ['ca', '-config', 'ca.cnf', ...passin, '-revoke', 'odd-crt.pem'];
    expect(openssl(directory, ...revoke)).toContain('Revoking Certificate');
    expect(await (await openDevCa(directory, { passphrase })).list()).toHaveLength(4);
  });
});
