import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openDevCa } from 'express-mtls/dev-ca';
import { openssl, testWithOpenssl as test } from '../../support/openssl.js';

const configuration = path.resolve('certs-dev/ca.cnf');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dev-ca-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const run = (...args: string[]): string => openssl(directory, ...args);
const textOf = (name: string): string => run('x509', '-in', `${name}-crt.pem`, '-noout', '-text');
const crlText = (): string => run('crl', '-in', 'ca-crl.pem', '-noout', '-text', '-CAfile', 'ca-crt.pem');

describe('what OpenSSL reads in the certificates', () => {
  test('they pass strict verification, each for its own purpose only', async () => {
    const ca = await openDevCa(directory);
    await ca.issueServer();
    await ca.issueClient('client1');
    const verify = (purpose: string, name: string): string =>
      run('verify', '-x509_strict', '-CAfile', 'ca-crt.pem', '-purpose', purpose, `${name}-crt.pem`);
    expect(verify('sslserver', 'server')).toContain('OK');
    expect(verify('sslclient', 'client1')).toContain('OK');
    expect(() => verify('sslclient', 'server')).toThrow(
      /unsuitable certificate purpose|unsupported certificate/,
    );
    expect(() => verify('sslserver', 'client1')).toThrow(
      /unsuitable certificate purpose|unsupported certificate/,
    );
  });

  test('they are version 3, signed with SHA-256, and have the extensions that RFC 5280 requires', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    const root = textOf('ca');
    expect(root).toMatch(/Version: 3 /);
    expect(root).toMatch(/Signature Algorithm: ecdsa-with-SHA256/);
    expect(root).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:1\s/);
    expect(root).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\s/);
    const leaf = textOf('client1');
    expect(leaf).toMatch(/Version: 3 /);
    expect(leaf).toMatch(/Signature Algorithm: ecdsa-with-SHA256/);
    expect(leaf).toMatch(/Basic Constraints: critical\s+CA:FALSE\s/);
    expect(leaf).toMatch(/Key Usage: critical\s+Digital Signature\s/);
    expect(leaf).toMatch(/Extended Key Usage:\s+TLS Web Client Authentication\s/);
    const keyId = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(root)?.[1];
    expect(keyId).toBeDefined();
    expect(/Authority Key Identifier:\s+(?:keyid:)?([0-9A-F:]+)/.exec(leaf)?.[1]).toBe(keyId);
    expect(leaf).toMatch(/Subject Key Identifier:/);
  });
});

describe('what OpenSSL reads in the CRL', () => {
  test('it is version 2, signed by the CA, numbered, and names its issuer key', async () => {
    const ca = await openDevCa(directory);
    expect(crlText()).toMatch(/verify OK/);
    expect(crlText()).toMatch(/No Revoked Certificates/);
    expect(run('asn1parse', '-in', 'ca-crl.pem')).not.toMatch(/l= +0 cons: SEQUENCE/);
    expect(crlText()).toMatch(/CRL Number:\s+1\s/);
    await ca.issueClient('client1');
    await ca.revoke('client1', { reason: 'keyCompromise' });
    expect(crlText()).toMatch(/verify OK/);
    expect(crlText()).toMatch(/Version 2 /);
    expect(crlText()).toMatch(/Signature Algorithm: ecdsa-with-SHA256/);
    expect(crlText()).toMatch(/CRL Number:\s+2\s/);
    expect(crlText()).toMatch(/Reason Code:\s+Key Compromise/);
    const keyId = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(textOf('ca'))?.[1];
    expect(/Authority Key Identifier:\s+(?:keyid:)?([0-9A-F:]+)/.exec(crlText())?.[1]).toBe(keyId);
  });

  test('an entry without a reason has no extensions, not an empty list of them', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.revoke('client1', { reason: 'unspecified' });
    expect(crlText()).not.toMatch(/Reason Code|CRL entry extensions/);
    expect(run('asn1parse', '-in', 'ca-crl.pem')).not.toMatch(/l= +0 cons: SEQUENCE/);
  });

  test('a reason that openssl ca recorded as unspecified is omitted from the CRL too', async () => {
    const ca = await openDevCa(directory);
    await writeFile(
      path.join(directory, 'ca-database.txt'),
      'R\t401231000000Z\t300101000000Z,unspecified\t01\tunknown\t/CN=x\n',
    );
    await ca.writeCrl();
    expect(crlText()).toMatch(/Serial Number: 01\s/);
    expect(crlText()).not.toMatch(/Reason Code/);
  });

  test('the revoked client fails verification and the other passes', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.issueClient('client2');
    await ca.revoke('client2');
    const verify = (name: string): string =>
      run('verify', '-crl_check', '-CAfile', 'ca-crt.pem', '-CRLfile', 'ca-crl.pem', `${name}-crt.pem`);
    expect(verify('client1')).toContain('OK');
    expect(() => verify('client2')).toThrow(/certificate revoked/);
  });

  test.each([127n, 128n, 255n, 256n, 65_535n])('the number %s is read correctly', async (number) => {
    const ca = await openDevCa(directory);
    const digits = number.toString(16);
    await writeFile(
      path.join(directory, 'ca-crlnumber.txt'),
      digits.length % 2 === 0 ? digits : `0${digits}`,
    );
    expect((await ca.writeCrl()).number).toBe(number);
    expect(crlText()).toMatch(new RegExp(`CRL Number:\\s+(?:${String(number)}|0x0*${digits})\\s`, 'i'));
  });

  test('five thousand entries are all read', async () => {
    const ca = await openDevCa(directory);
    const rows = Array.from({ length: 5000 }, (_, index) => {
      const serial = (0x8000 + index).toString(16).toUpperCase();
      return `R\t401231000000Z\t300101000000Z,superseded\t${serial}\tunknown\t/CN=${serial}\n`;
    });
    await writeFile(path.join(directory, 'ca-database.txt'), rows.join(''));
    await ca.writeCrl();
    expect(crlText().match(/Serial Number: [0-9A-F]+/g)).toHaveLength(5000);
  });
});

describe('taking turns on one folder with openssl ca', () => {
  beforeEach(async () => {
    await copyFile(configuration, path.join(directory, 'ca.cnf'));
  });

  test('a revocation by openssl of a certificate issued here is visible here', async () => {
    const ca = await openDevCa(directory);
    await ca.issueServer();
    await ca.issueServer({ name: 'server2' });
    await ca.issueClient('client2', { organization: 'Exämple/x+y=z, \\ "q"' });
    run('ca', '-config', 'ca.cnf', '-revoke', 'client2-crt.pem', '-crl_reason', 'CACompromise');
    run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca-crl.pem');
    expect(crlText()).toMatch(/CRL Number:\s+2\s/);
    expect(await ca.list()).toMatchObject([
      { name: 'server', revokedAt: undefined },
      { name: 'server2', revokedAt: undefined },
      { name: 'client2', commonName: 'client2', revokedAt: expect.any(Date), reason: 'cACompromise' },
    ]);
    expect(await ca.revoke('client2')).toMatchObject({ outcome: 'already-revoked' });
    expect(await ca.writeCrl()).toMatchObject({ number: 3n, entries: 1 });
  });

  test('openssl reads the folder after each command, and knows the status of each certificate', async () => {
    const ca = await openDevCa(directory);
    const statusOf = (serial: string): string => {
      run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca-crl.pem');
      expect(crlText()).toMatch(/verify OK/);
      // Its exit code is 1, whatever the answer.
      const args = ['ca', '-config', 'ca.cnf', '-status', serial.toUpperCase()];
      return spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' }).stderr;
    };
    const client1 = await ca.issueClient('client1', {
      organizationalUnit: ['a+b', 'ü/x'],
      spiffeId: 'spiffe://example.org/client1',
    });
    expect(statusOf(client1.serialNumber)).toMatch(/=Valid \(V\)/);
    run(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'k',
      '-out',
      'csr',
      '-subj',
      '/OU=x/CN=bob',
    );
    const bytes = await readFile(path.join(directory, 'csr'));
    const bob = await ca.signClientRequest('bob', { bytes });
    expect(statusOf(bob.serialNumber)).toMatch(/=Valid \(V\)/);
    const renewed = await ca.renew('client1', { key: 'new', old: 'revoke' });
    expect(statusOf(client1.serialNumber)).toMatch(/=Revoked \(R\)/);
    expect(statusOf(renewed.serialNumber)).toMatch(/=Valid \(V\)/);
    await ca.writePkcs12('client1');
    await ca.revokeFile(bob.certFile, { reason: 'keyCompromise' });
    expect(statusOf(bob.serialNumber)).toMatch(/=Revoked \(R\)/);
    await ca.writeCrl();
    // openssl compares the subject in the database with that in the certificate, byte by byte.
    run('ca', '-config', 'ca.cnf', '-revoke', 'client1-crt.pem');
    expect(statusOf(renewed.serialNumber)).toMatch(/=Revoked \(R\)/);
    expect((await ca.list()).map(({ revokedAt }) => revokedAt !== undefined)).toEqual([true, true, true]);
  });

  test('the CRL of openssl lists certificates revoked here, with the next number', async () => {
    const ca = await openDevCa(directory);
    const { serialNumber } = await ca.issueClient('client1');
    await ca.revoke('client1', { reason: 'cACompromise' });
    run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca-crl.pem');
    expect(crlText()).toMatch(/CRL Number:\s+3\s/);
    expect(crlText()).toMatch(new RegExp(`Serial Number: ${serialNumber}`, 'i'));
    expect(crlText()).toMatch(/Reason Code:\s+CA Compromise/);
    expect(() => run('ca', '-config', 'ca.cnf', '-revoke', 'client1-crt.pem')).toThrow(/[Aa]lready revoked/);
  });

  test.each([
    'keyCompromise',
    'cACompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
  ] as const)('openssl reads the reason %s back as the CRL here has it', async (reason) => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.revoke('client1', { reason });
    const here = /Reason Code:\s+(.*)/.exec(crlText())?.[1];
    run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca-crl.pem');
    expect(here).toBeDefined();
    expect(/Reason Code:\s+(.*)/.exec(crlText())?.[1]).toBe(here);
  });

  test.each([
    ['P-384 in the older EC form', ['ecparam', '-name', 'secp384r1', '-genkey', '-noout']],
    ['RSA 2048', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('a CA created by openssl, with a key of %s, can be opened and used', async (_, generate) => {
    run(...generate, '-out', 'ca-key.pem');
    run(
      'req',
      '-new',
      '-x509',
      '-config',
      'ca.cnf',
      '-key',
      'ca-key.pem',
      '-days',
      '30',
      '-out',
      'ca-crt.pem',
    );
    await expect(openDevCa(directory)).rejects.toThrow(/ca-database\.txt is missing/);
    await writeFile(path.join(directory, 'ca-database.txt'), '');
    await writeFile(path.join(directory, 'ca-crlnumber.txt'), '01\n');
    const ca = await openDevCa(directory);
    expect(ca.outcome).toBe('kept');
    await ca.issueClient('client1', { algorithm: 'ec-p256' });
    await ca.revoke('client1');
    expect(crlText()).toMatch(/verify OK/);
    expect(run('verify', '-x509_strict', '-CAfile', 'ca-crt.pem', 'client1-crt.pem')).toContain('OK');
    expect(await readFile(ca.certFile, 'utf8')).toContain('BEGIN CERTIFICATE');
  });
});
