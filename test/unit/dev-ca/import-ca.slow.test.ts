/**
 * A CA that was made elsewhere goes on here: what is found, what is kept, what is said.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { findForeignCa, type ForeignCaOptions } from '../../../src/dev-ca/foreign-folder.js';
import { importCa, type ImportReport } from '../../../src/dev-ca/import-ca.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { ca, type Certificate } from '../../support/chain.js';
import { temporaryDirectory } from '../../support/files.js';

const day = 86_400_000;
const root = ca('Old CA');
const crlPem = root.crl({ number: 7 }).pem;
const database = 'ca-database.txt';

function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const rootFiles = { 'ca-crt.pem': root.pem, 'ca-key.pem': root.keyPem };

interface Imported {
  readonly report: ImportReport;
  readonly directory: string;
  read(file: string): string;
}

async function importFiles(
  files: Readonly<Record<string, string | Buffer>>,
  { caCertificate = 'keep', ...options }: ForeignCaOptions & { caCertificate?: 'keep' | 'remake' } = {},
): Promise<Imported> {
  const directory = join(temporaryDirectory(), 'new');
  const found = await findForeignCa(folderOf(files), options);
  const report = await importCa(found, directory, { passphrase: undefined, caCertificate, now: Date.now });
  return { report, directory, read: (file) => readFileSync(join(directory, file), 'utf8') };
}

function rowOf({ serial, notAfter }: Certificate, revocation: string, subject: string): string {
  const time = notAfter
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
    .slice(2);
  const status = revocation === '' ? 'V' : 'R';
  const digits = serial.toUpperCase().padStart(serial.length + (serial.length % 2), '0');
  return `${status}\t${time}\t${revocation}\t${digits}\tunknown\t${subject}\n`;
}

const about = ({ warnings }: ImportReport): string[] => warnings.map((warning) => warning.about);

describe('the import finds', () => {
  test.each([
    ['ca-crt.pem', 'ca-key.pem'],
    ['ca.crt', 'ca.key'],
    ['CA.pem', 'CA.key'],
    ['cacert.pem', 'private/cakey.pem'],
    ['certs/ca.cert.pem', 'private/ca.key.pem'],
    ['rootCA.crt', 'rootCA.key'],
  ])('a CA in %s with its key in %s', async (certificate, key) => {
    const { directory, read } = await importFiles({ [certificate]: root.pem, [key]: root.keyPem });
    expect(read('ca-crt.pem')).toBe(root.pem);
    expect(read('ca-key.pem')).toBe(root.keyPem);
    expect(statSync(join(directory, 'ca-key.pem')).mode & 0o777).toBe(0o600);
    await expect(openDevCa(directory)).resolves.toMatchObject({ outcome: 'kept' });
  });

  test('a CA in files with other names, if they are specified', async () => {
    const folder = folderOf({ 'x.txt': root.pem, 'y.txt': root.keyPem });
    await expect(findForeignCa(folder)).rejects.toThrow(
      /^no CA certificate was found in .*; expected a file named in its configuration, or one such as ca-crt\.pem, .*; specify it with --ca FILE$/,
    );
    const certificate = join(folder, 'x.txt');
    await expect(findForeignCa(folder, { certificate })).rejects.toThrow(/^no CA key .* --key FILE$/);
    const found = await findForeignCa(folder, { certificate, key: join(folder, 'y.txt') });
    expect(found).toMatchObject({ certificate, key: join(folder, 'y.txt') });
  });

  test('the files that a configuration names, even if the folder was moved', async () => {
    const settings =
      '[ca]\ndefault_ca = c\n[c]\ndir = /nowhere/ca\ncertificate = $dir/mine.pem\nprivate_key = $dir/private/mine.pem\n' +
      'database = $dir/db\ncrlnumber = $dir/number\n';
    const { read, report } = await importFiles({
      'openssl.cnf': settings,
      'mine.pem': root.pem,
      'private/mine.pem': root.keyPem,
      db: rowOf(root.client(), '', '/CN=client'),
      number: '0A\n',
    });
    expect(report.source.configuration).toMatch(/openssl\.cnf$/);
    expect(read(database)).toMatch(/\/CN=client\n$/);
    expect(report.crl.number).toBe(10n);
  });

  test('the database beside the certificate, not the one of a CA below', async () => {
    const files = { 'demoCA/cacert.pem': root.pem, 'demoCA/private/cakey.pem': root.keyPem };
    const found = await importFiles({ ...files, 'demoCA/cakey.pem': root.keyPem, 'demoCA/index.txt': '' });
    expect(found.report.source.database).toMatch(/demoCA.index\.txt$/);
    const other = await importFiles({ ...rootFiles, 'devices/index.txt': '', 'devices/crlnumber': '99' });
    expect(other.report.source).toMatchObject({ database: undefined, crlNumber: undefined });
  });

  test('nothing in the target folder', async () => {
    const folder = folderOf({ ...rootFiles, 'new/other-crt.pem': root.client().pem });
    const { material } = await findForeignCa(folder, { except: join(folder, 'new') });
    expect(material.filter((file) => file.includes('other'))).toStrictEqual([]);
  });

  test('no certificates of other CAs', async () => {
    const { report } = await importFiles({ ...rootFiles, 'x.pem': ca('Old CA').client().pem });
    expect(report.certificates).toStrictEqual([]);
  });
});

describe('an issued certificate', () => {
  const client = root.client('client1');
  const server = root.server();

  test('keeps the name of its file and its key', async () => {
    const { directory, report } = await importFiles({
      ...rootFiles,
      'client1-crt.pem': client.pem,
      'client1-key.pem': client.keyPem,
      'server.crt': server.pem,
      'elsewhere.key': server.keyPem,
      'keyless.cert.pem': root.client('keyless').pem,
    });
    expect(report.certificates).toMatchObject([
      { name: 'client1', commonName: 'client1', key: 'copied' },
      { name: 'keyless', key: 'absent' },
      { name: 'server', commonName: 'localhost', key: 'copied' },
    ]);
    expect(readdirSync(directory).sort()).toStrictEqual([
      ...[
        'ca-crl.pem',
        'ca-crlnumber.txt',
        'ca-crt.pem',
        'ca-database.txt',
        'ca-database.txt.attr',
        'ca-key.pem',
      ],
      ...['client1-crt.pem', 'client1-key.pem', 'keyless-crt.pem', 'server-crt.pem', 'server-key.pem'],
    ]);
    const devCa = await openDevCa(directory);
    await expect(devCa.issueClient('client1')).resolves.toMatchObject({ outcome: 'kept' });
    await expect(devCa.revoke('keyless')).resolves.toMatchObject({ outcome: 'revoked' });
  });

  test('is imported once if found twice, and not under its serial number', async () => {
    const { report } = await importFiles({
      ...rootFiles,
      [`newcerts/${client.serial.toUpperCase()}.pem`]: client.pem,
      'certs/zoe.pem': client.pem,
    });
    expect(report.certificates).toMatchObject([{ name: 'zoe' }]);
  });

  test('is named after its commonName if its file has a number, valid before revoked ones', async () => {
    const [older, newer] = [
      root.client({ commonName: 'a b/c', serial: 0x10n }),
      root.client({ commonName: 'a b/c', serial: 0x11n }),
    ];
    const { report } = await importFiles({
      ...rootFiles,
      'newcerts/10.pem': older.pem,
      'newcerts/11.pem': newer.pem,
      'index.txt': rowOf(older, '260101000000Z', '/CN=a b\\/c') + rowOf(newer, '', '/CN=a b\\/c'),
    });
    expect(report.certificates).toMatchObject([
      { name: 'a-b-c', serialNumber: '11', revokedAt: undefined },
      { name: 'a-b-c-10', serialNumber: '10', revokedAt: new Date('2026-01-01') },
    ]);
  });

  test.each([
    ['ca.cer', /^certificate-|^ca-/],
    ['...pem', /^certificate-/],
  ])('never takes the name of the CA or an empty name: %s', async (file, expected) => {
    const { report } = await importFiles({ ...rootFiles, [file]: client.pem });
    expect(report.certificates).toMatchObject([{ name: expect.stringMatching(expected) }]);
  });

  test('gets an encrypted key by its file name, which stays encrypted', async () => {
    const encrypted = client.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    const { report, read } = await importFiles({
      ...rootFiles,
      'client1.crt': client.pem,
      'client1.key': encrypted,
    });
    expect(report.certificates).toMatchObject([{ name: 'client1', key: 'copied-encrypted' }]);
    expect(read('client1-key.pem')).toBe(encrypted);
  });

  test('shares one warning with others of the same serial number', async () => {
    const shared = { serial: 1n };
    const { report } = await importFiles({
      ...rootFiles,
      'index.txt': '',
      'a.pem': root.client({ commonName: 'a', ...shared }).pem,
      'b.pem': root.client({ commonName: 'b', ...shared }).pem,
      'crl.pem': crlPem,
    });
    expect(report.warnings.find((warning) => warning.about.includes(','))).toMatchObject({
      about: expect.stringMatching(/^[ab], [ab]$/),
      faults: ['they share the serial number 1, so revoking one revokes all'],
    });
  });

  test('of an intermediate CA is sent with the intermediate CA', async () => {
    const middle = root.intermediate('middle');
    const leaf = middle.client('leaf');
    const { read, directory } = await importFiles({
      'ca.crt': middle.pem,
      'ca.key': middle.keyPem,
      'leaf.pem': leaf.pem,
    });
    expect(read('leaf-crt.pem')).toBe(leaf.pem + middle.pem);
    await (await openDevCa(directory)).issueClient('next');
    expect(read('next-crt.pem').match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });
});

describe('a revoked certificate', () => {
  const [client1, client2, gone] = [root.client('client1'), root.client('client2'), root.client('gone')];

  test('stays revoked as recorded in the database', async () => {
    const row = rowOf(client2, '260101000000Z,keyCompromise', '/CN=client2');
    const { pem } = root.crl({ revoked: [client2] });
    const { read, report } = await importFiles({ ...rootFiles, [database]: row, 'ca-crl.pem': pem });
    expect(read(database)).toBe(row);
    expect(revokedIn(read)).toBe(1);
    expect(about(report)).toStrictEqual([]);
  });

  test('stays revoked if only the CRL lists it, even if its file is missing', async () => {
    const date = new Date('2026-02-03T04:05:06Z');
    const revoked = [{ serial: client2.serialContent, date, reason: 'superseded' as const }, gone];
    const { read, directory, report } = await importFiles({
      ...rootFiles,
      'client2.pem': client2.pem,
      [database]: rowOf(client1, '', '/CN=client1') + rowOf(client2, '', '/CN=client2'),
      'ca-crl.pem': root.crl({ number: 3, revoked }).pem,
    });
    expect(read(database)).toContain(`\t260203040506Z,superseded\t`);
    expect(read(database)).toMatch(/\t\/CN=unknown [0-9a-f]{32}\n/);
    expect(revokedIn(read)).toBe(2);
    expect(about(report)).toStrictEqual(['database']);
    expect(report.warnings[0]!.faults[0]).toMatch(/^it did not list client2, serial [0-9a-f]{32} as revoked/);
    await expect((await openDevCa(directory)).revoke('client2')).resolves.toMatchObject({
      outcome: 'already-revoked',
    });
  });

  test('is taken from the newest CRL, not from older ones or those of another CA', async () => {
    const earlier = { thisUpdate: new Date(Date.now() - 9 * day), number: 9, revoked: [client1] };
    const { read, report } = await importFiles({
      ...rootFiles,
      'old.crl': root.crl(earlier).pem,
      'new.crl': root.crl({ number: 4, revoked: [client2] }).der,
      'other.crl': ca('Old CA').crl({ number: 99, revoked: [gone] }).pem,
    });
    expect(revokedIn(read)).toBe(1);
    expect(read(database)).toContain(client2.serial.toUpperCase());
    // But the number follows the highest that was ever given.
    expect(report.crl.number).toBe(10n);
  });

  function revokedIn(read: Imported['read']): number {
    const der = Buffer.from(read('ca-crl.pem').replace(/-.*-/g, ''), 'base64');
    return parseCrl(der).entryCount;
  }
});

describe('the number of the next CRL', () => {
  test.each([
    ['is the one in its file', { crlnumber: '0B' }, 11n],
    ['is one more than that of the CRL', { 'crl.pem': crlPem }, 8n],
    ['never goes back below the CRL', { crlnumber: '02', 'crl.pem': crlPem }, 8n],
    ['is 1 where there was none', {}, 1n],
    ['is 1 after a CRL of version 1', { 'crl.pem': root.crl({ version: 1, number: null }).pem }, 1n],
  ])('%s', async (_, files, expected) => {
    const { report, read } = await importFiles({ ...rootFiles, ...files });
    expect(report.crl.number).toBe(expected);
    expect(BigInt(`0x${read('ca-crlnumber.txt').trim()}`)).toBe(expected + 1n);
  });

  test.each(['crlnumber', 'serial'])('a %s that is not a number stops the import', async (file) => {
    await expect(importFiles({ ...rootFiles, [file]: 'one\n' })).rejects.toThrow(/holds "one"; expected/);
  });
});

test('the next serial number for openssl ca is unused', async () => {
  const client = root.client({ serial: 0x1000n });
  const { read } = await importFiles({ ...rootFiles, serial: '1000\n', 'client.pem': client.pem });
  expect(read('ca-serial.txt')).toBe('1001\n');
});

describe('faults', () => {
  const old = new Date(Date.now() - 30 * day);
  const past = new Date(Date.now() - day);

  test.each<[string, string, Certificate, RegExp, RegExp]>([
    [
      'version 1',
      'c',
      root.client({ version: 1 }),
      /^it is of X\.509 version 1, which cannot state its purpose$/,
      /renew c --as client --dir /,
    ],
    [
      'SHA-1',
      'c',
      root.client({ hash: 'sha1' }),
      /^it is signed with SHA1, which can be forged$/,
      /renew c --dir /,
    ],
    [
      'a short key',
      'c',
      root.client({ key: 'rsa1024' }),
      /^its key is RSA with 1024 bits; at least 2048 are required$/,
      /issue client NEW --csr FILE --dir /,
    ],
    [
      'no purpose',
      'c',
      root.client({ extendedKeyUsage: null }),
      /^it does not state that it is for clients$/,
      /renew c/,
    ],
    [
      'another purpose',
      'c',
      root.client({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.4'] }),
      /^it is for neither clients nor servers$/,
      /renew c/,
    ],
    ['its end behind it', 'c', root.client({ notBefore: old, notAfter: past }), /^it expired at /, /renew c/],
    [
      'no hosts',
      's',
      root.server({ sans: null }),
      /^it names no host in subjectAltName/,
      /issue server NEW --san HOST --dir /,
    ],
    [
      'no hosts, by its name',
      'server',
      root.client({ extendedKeyUsage: null }),
      /^it names no host/,
      /issue server/,
    ],
    ['CA:TRUE', 'm', root.intermediate('m'), /^it is a CA$/, /import it separately, or revoke it/],
  ])('a certificate with %s is imported with one warning', async (_, name, certificate, fault, remedy) => {
    const { report } = await importFiles({
      ...rootFiles,
      'index.txt': rowOf(certificate, '', '/CN=x'),
      [`${name}.pem`]: certificate.pem,
      'crl.pem': crlPem,
    });
    expect(report.certificates).toMatchObject([{ name }]);
    expect(report.warnings).toStrictEqual([
      { about: name, faults: [expect.stringMatching(fault)], remedy: expect.stringMatching(remedy) },
    ]);
  });

  test('a revoked certificate causes no warning', async () => {
    const certificate = root.client({ version: 1 });
    const { report } = await importFiles({
      ...rootFiles,
      'c.pem': certificate.pem,
      'index.txt': rowOf(certificate, '260101000000Z', '/CN=x'),
      'crl.pem': crlPem,
    });
    expect(report.warnings).toStrictEqual([]);
  });

  test.each([
    ['with SHA-1', root.crl({ hash: 'sha1' }).pem, 'it is signed with SHA1, which can be forged'],
    ['of version 1', root.crl({ version: 1, number: null }).pem, 'it is of version 1 and has no number'],
    [
      'past its date',
      root.crl({ thisUpdate: old, nextUpdate: past }).pem,
      expect.stringMatching(/^it has been stale since /),
    ],
    ['without an end', root.crl({ nextUpdate: null }).pem, 'it has no nextUpdate'],
  ])('a CRL %s is replaced with one warning', async (_, pem, fault) => {
    const { report, directory } = await importFiles({ ...rootFiles, 'index.txt': '', 'crl.pem': pem });
    expect(report.warnings).toMatchObject([{ about: 'crl', faults: [fault] }]);
    const made = parseCrl(
      Buffer.from(readFileSync(join(directory, 'ca-crl.pem'), 'latin1').replace(/-.*-/g, ''), 'base64'),
    );
    expect(made.version).toBe(2);
    expect(made.signed.algorithm.scheme?.hash).toBe('sha256');
  });

  test('an unreadable file is skipped with a warning', async () => {
    const { report } = await importFiles({
      ...rootFiles,
      'index.txt': '',
      'crl.pem': crlPem,
      'half.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    });
    expect(report.warnings).toMatchObject([{ about: expect.stringMatching(/half\.pem$/) }]);
  });

  test('a CA with a short key is imported, with a warning', async () => {
    const short = ca({ commonName: 'short', key: 'rsa1024' });
    const { report } = await importFiles({ 'ca.crt': short.pem, 'ca.key': short.keyPem, 'index.txt': '' });
    expect(report.warnings[0]).toMatchObject({
      about: 'ca',
      faults: ['its key is RSA with 1024 bits; at least 2048 are required'],
    });
  });
});

describe('a CA certificate that cannot be used unchanged', () => {
  const past = new Date(Date.now() - day);
  test.each([
    ['of version 1', { version: 1 as const }, /is of X\.509 version 1, which cannot mark it as a CA, so it/],
    ['without CA:TRUE', { isCa: null }, /lacks basicConstraints CA:TRUE, so it/],
    [
      'that may not sign CRLs',
      { keyUsage: ['keyCertSign' as const] },
      /may not sign certificates and CRLs by its keyUsage/,
    ],
    ['that has expired', { notAfter: past, notBefore: new Date(past.getTime() - day) }, /expired at /],
  ])('%s is rejected, and reissued on request', async (_, options, says) => {
    const old = ca({ commonName: 'Old CA', organization: 'Exämple', ...options });
    const client = old.client('client1');
    const files = { 'ca.crt': old.pem, 'ca.key': old.keyPem, 'client1.pem': client.pem };
    await expect(importFiles(files)).rejects.toThrow(says);
    await expect(importFiles(files)).rejects.toThrow(/; add --remake-ca, /);
    const { directory, report } = await importFiles(files, { caCertificate: 'remake' });
    expect(report.caCertificate).toBe('remade');
    const made = new X509Certificate(readFileSync(join(directory, 'ca-crt.pem')));
    expect(made).toMatchObject({ ca: true, subject: old.x509.subject, serialNumber: old.x509.serialNumber });
    expect(client.x509.checkIssued(made)).toBe(true);
    expect(client.x509.verify(made.publicKey)).toBe(true);
    await expect((await openDevCa(directory)).revoke('client1')).resolves.toMatchObject({
      outcome: 'revoked',
    });
  });

  test('an intermediate CA certificate cannot be reissued, because that requires its issuer', async () => {
    const middle = root.intermediate({ isCa: false });
    const files = { 'ca.crt': middle.pem, 'ca.key': middle.keyPem };
    await expect(importFiles(files)).rejects.toThrow(/; have the CA above it issue a certificate/);
    await expect(importFiles(files, { caCertificate: 'remake' })).rejects.toThrow(
      /was issued by another CA, "CN=Old CA"/,
    );
  });

  test('a key that does not match it is rejected', async () => {
    await expect(importFiles({ 'ca.crt': root.pem, 'ca.key': ca().keyPem })).rejects.toMatchObject({
      code: 'ERR_MTLS_KEY_MISMATCH',
    });
  });
});

test('a failed import leaves no files, and one that would overwrite files does not start', async () => {
  const ed25519 = ca({ commonName: 'ed', key: 'ed25519' });
  const directory = join(temporaryDirectory(), 'a/b');
  const options = { passphrase: undefined, caCertificate: 'keep', now: Date.now } as const;
  const unfit = await findForeignCa(folderOf({ 'ca.crt': ed25519.pem, 'ca.key': ed25519.keyPem }));
  await expect(importCa(unfit, directory, options)).rejects.toThrow(/the CA key is of type ed25519/);
  expect(() => readdirSync(dirname(directory))).toThrow('ENOENT');
  const files = folderOf({ ...rootFiles, 'server.crt': root.server().pem });
  const taken = folderOf({ 'server-crt.pem': 'mine' });
  await expect(importCa(await findForeignCa(files), taken, options)).rejects.toThrow(
    /server-crt\.pem would be overwritten, so nothing was written; import into another folder with --dir, or move this one away with "mv (\S+) \1\.old"$/,
  );
  expect(readdirSync(taken)).toStrictEqual(['server-crt.pem']);
});
