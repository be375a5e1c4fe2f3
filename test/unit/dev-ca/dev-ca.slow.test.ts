import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { openDevCa, type ClientCertificateOptions, type RevocationReason } from 'express-mtls/dev-ca';

const dayMs = 86_400_000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dev-ca-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const inFolder = (file: string): string => path.join(directory, file);
const read = (file: string): Promise<string> => readFile(inFolder(file), 'utf8');
const readCertificate = async (name: string): Promise<X509Certificate> =>
  new X509Certificate(await read(`${name}-crt.pem`));
const modeOf = async (file: string): Promise<number> => (await stat(inFolder(file))).mode & 0o777;
async function readAll(): Promise<Record<string, string>> {
  const files = (await readdir(directory)).sort();
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, await read(file)] as const)));
}

describe('opening', () => {
  test('an empty folder gets a CA, an empty CRL and the two files of openssl ca', async () => {
    const ca = await openDevCa(directory);
    expect(ca.outcome).toBe('made');
    expect((await readdir(directory)).sort()).toEqual([
      'ca-crl.pem',
      'ca-crlnumber.txt',
      'ca-crt.pem',
      'ca-database.txt',
      'ca-key.pem',
    ]);
    expect(await read('ca-database.txt')).toBe('');
    expect(await read('ca-crlnumber.txt')).toBe('02\n');
    expect(await ca.list()).toEqual([]);
  });

  test('a missing folder is created', async () => {
    await openDevCa(inFolder('a/b'));
    expect(await readdir(inFolder('a/b'))).toContain('ca-crt.pem');
  });

  test('the CA certificate is a v3 CA valid for ten years, backdated by minutes', async () => {
    const now = Date.UTC(2030, 0, 1);
    await openDevCa(directory, { commonName: 'Test CA', now: () => now });
    const certificate = await readCertificate('ca');
    expect(certificate.subject).toBe('CN=Test CA');
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(new Date(certificate.validFrom).getTime()).toBe(now - 5 * 60_000);
    expect(new Date(certificate.validTo).getTime()).toBe(now + 3650 * dayMs);
  });

  test('a second opening keeps every file as it is', async () => {
    await (await openDevCa(directory)).issueClient('client1');
    const before = await readAll();
    const ca = await openDevCa(directory, { commonName: 'other', algorithm: 'rsa-4096' });
    expect(ca.outcome).toBe('kept');
    expect(await readAll()).toEqual(before);
  });

  test("with missing: 'fail', neither a CA nor its folder is created", async () => {
    await expect(openDevCa(inFolder('typo'), { missing: 'fail' })).rejects.toMatchObject({
      code: 'ERR_MTLS_CA_FOLDER_INVALID',
      message: expect.stringMatching(/typo contains no CA; create one with "express-mtls init"/) as unknown,
    });
    expect(await readdir(directory)).toEqual([]);
    await openDevCa(directory);
    expect((await openDevCa(directory, { missing: 'fail' })).outcome).toBe('kept');
  });

  test('a missing CRL is rebuilt from the database, with the next number', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.revoke('client1');
    await rm(ca.crlFile);
    await openDevCa(directory);
    expect(await read('ca-crlnumber.txt')).toBe('04\n');
  });

  test('the CRL number does not decrease even if the number file does', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    for (let times = 0; times < 3; times++) await ca.writeCrl();
    await writeFile(inFolder('ca-crlnumber.txt'), '02\n');
    expect(await ca.revoke('client1')).toMatchObject({ crl: { number: 5n } });
    expect(await read('ca-crlnumber.txt')).toBe('06\n');
  });

  test.each(['ca-crt.pem', 'ca-key.pem', 'ca-database.txt', 'ca-crlnumber.txt'])(
    'a CA without its %s is rejected and not changed',
    async (file) => {
      await openDevCa(directory);
      await rm(inFolder(file));
      const before = await readAll();
      await expect(openDevCa(directory)).rejects.toMatchObject({
        code: 'ERR_MTLS_CA_FOLDER_INVALID',
        message: expect.stringMatching(new RegExp(`${file} is missing.*restore it`)) as unknown,
      });
      expect(await readAll()).toEqual(before);
    },
  );

  test("another CA's key is rejected", async () => {
    await openDevCa(directory);
    const other = await openDevCa(inFolder('other'));
    await writeFile(inFolder('ca-key.pem'), await readFile(other.keyFile));
    await expect(openDevCa(directory)).rejects.toMatchObject({ code: 'ERR_MTLS_KEY_MISMATCH' });
  });

  test('a certificate that is not a CA certificate is rejected', async () => {
    const ca = await openDevCa(directory);
    const { certFile, keyFile } = await ca.issueServer();
    await writeFile(ca.certFile, await readFile(certFile));
    await writeFile(ca.keyFile, await readFile(keyFile));
    await expect(openDevCa(directory)).rejects.toThrow(/ca-crt\.pem is not a CA certificate/);
  });

  test.each(['ca-crt.pem', 'ca-key.pem'])('a %s that is not PEM is rejected by name', async (file) => {
    await openDevCa(directory);
    await writeFile(inFolder(file), 'nonsense');
    await expect(openDevCa(directory)).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringContaining(file) as unknown,
    });
  });

  test.each([0, -1, NaN, Infinity, 36_501])('%s days are rejected, and nothing is written', async (days) => {
    await expect(openDevCa(directory, { days })).rejects.toMatchObject({ code: 'ERR_MTLS_OPTION_INVALID' });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('issuing', () => {
  test('a server certificate is for localhost by name and address, and only for servers', async () => {
    const ca = await openDevCa(directory);
    const issued = await ca.issueServer();
    const certificate = await readCertificate('server');
    expect(issued).toMatchObject({ outcome: 'made', name: 'server', commonName: 'localhost' });
    expect(certificate.subject).toBe('CN=localhost');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBe('::1');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.verify(new X509Certificate(await readFile(ca.certFile)).publicKey)).toBe(true);
  });

  test('a client certificate has the requested names, and is only for clients', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1', {
      commonName: '#1 "Ä", \\x',
      organization: 'Example, Inc.',
      organizationalUnit: 'R+D',
      email: 'client1@example.com',
      uri: 'spiffe://example.org/client1',
      dns: ['client1.example.com'],
    });
    const certificate = await readCertificate('client1');
    expect(certificate.toLegacyObject().subject).toMatchObject({
      O: 'Example, Inc.',
      OU: 'R+D',
      CN: '#1 "Ä", \\x',
    });
    expect(certificate.subjectAltName).toBe(
      'DNS:client1.example.com, email:client1@example.com, URI:spiffe://example.org/client1',
    );
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  test('a client can have several units and addresses, and a server its own subject', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1', {
      organizationalUnit: ['a', 'b'],
      email: ['one@example.com', 'two@example.com'],
      spiffeId: 'spiffe://example.org/client1',
    });
    const client = await readCertificate('client1');
    expect(client.subject).toBe('OU=a\nOU=b\nCN=client1');
    expect(client.subjectAltName).toBe(
      'email:one@example.com, email:two@example.com, URI:spiffe://example.org/client1',
    );
    await ca.issueServer({
      commonName: 'The server',
      organization: 'Example',
      spiffeId: 'spiffe://example.org/server',
    });
    const server = await readCertificate('server');
    expect(server.subject).toBe('O=Example\nCN=The server');
    expect(server.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://example.org/server',
    );
  });

  test('the private key matches its certificate and is readable only by its owner', async () => {
    const ca = await openDevCa(directory);
    await ca.issueServer();
    await ca.issueClient('client1');
    for (const name of ['ca', 'server', 'client1']) {
      const key = await read(`${name}-key.pem`);
      expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
      expect((await readCertificate(name)).checkPrivateKey(createPrivateKey(key))).toBe(true);
      expect(await modeOf(`${name}-key.pem`)).toBe(0o600);
    }
  });

  test('serial numbers are positive, of 16 octets, and differ', async () => {
    const ca = await openDevCa(directory);
    const serials = new Set<string>();
    for (const name of ['a', 'b', 'c', 'd']) serials.add((await ca.issueClient(name)).serialNumber);
    expect(serials.size).toBe(4);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
  });

  test('existing files are kept, whatever the options', async () => {
    const ca = await openDevCa(directory);
    const made = await ca.issueClient('client1');
    const before = await readAll();
    const kept = await ca.issueClient('client1', { commonName: 'other', days: 1 });
    expect(kept).toEqual({ ...made, outcome: 'kept' });
    expect(await readAll()).toEqual(before);
  });

  test('a kept certificate that is revoked is reported as revoked', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.revoke('client1', { reason: 'superseded' });
    expect(await ca.issueClient('client1')).toMatchObject({ outcome: 'kept', reason: 'superseded' });
  });

  test.each([
    ['client1-key.pem', /client1-crt\.pem exists without .*client1-key\.pem/],
    ['client1-crt.pem', /client1-key\.pem exists without .*client1-crt\.pem/],
  ])('half a pair, without %s, is rejected and not changed', async (file, message) => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await rm(inFolder(file));
    const before = await readAll();
    await expect(ca.issueClient('client1')).rejects.toThrow(message);
    expect(await readAll()).toEqual(before);
  });

  test('a certificate of another CA with the same name is rejected and not changed', async () => {
    const other = await (await openDevCa(inFolder('other'))).issueClient('client1');
    const ca = await openDevCa(inFolder('mine'));
    await writeFile(inFolder('mine/client1-crt.pem'), await readFile(other.certFile));
    await writeFile(inFolder('mine/client1-key.pem'), await readFile(other.keyFile));
    await expect(ca.issueClient('client1')).rejects.toThrow(/issued by another CA/);
    expect(await readFile(inFolder('mine/client1-crt.pem'))).toEqual(await readFile(other.certFile));
  });

  test("a server's certificate is not kept as a client's", async () => {
    const ca = await openDevCa(directory);
    await ca.issueServer();
    await expect(ca.issueClient('server')).rejects.toThrow(/is not a client certificate/);
  });

  test('a key that does not match its certificate is rejected', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.issueClient('client2');
    await writeFile(inFolder('client1-key.pem'), await read('client2-key.pem'));
    await expect(ca.issueClient('client1')).rejects.toMatchObject({ code: 'ERR_MTLS_KEY_MISMATCH' });
  });

  test.each([
    '',
    '..',
    '../x',
    'a/b',
    'a\\b',
    '-rf',
    '.hidden',
    'ca',
    'CA',
    'a b',
    'ä',
    'a\0',
    'x'.repeat(65),
  ])('the name %j is rejected, and nothing is written', async (name) => {
    const ca = await openDevCa(directory);
    const before = await readAll();
    await expect(ca.issueClient(name, { commonName: 'x' })).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringMatching(/^name is .*; use/) as unknown,
    });
    expect(await readAll()).toEqual(before);
  });

  test.each<[string, ClientCertificateOptions]>([
    ['an empty commonName', { commonName: '' }],
    ['a commonName of 65 characters', { commonName: 'x'.repeat(65) }],
    ['a line break in the organization', { organization: 'a\nb' }],
    ['half a surrogate pair', { organizationalUnit: '\ud800' }],
    ['an email address without a host', { email: 'client1' }],
    ['a URI without a scheme', { uri: 'client1' }],
    ['a host name with a space', { dns: ['a b'] }],
    ['one unit of several that is empty', { organizationalUnit: ['a', ''] }],
    ['one email address of several that is none', { email: ['a@example.com', 'b'] }],
    ['a SPIFFE ID that is a URI only', { spiffeId: 'https://example.org/client1' }],
    ['a SPIFFE ID with a capital trust domain', { spiffeId: 'spiffe://Example.org/client1' }],
    ['a SPIFFE ID beside another URI', { spiffeId: 'spiffe://example.org/client1', uri: 'urn:x' }],
    ['no days at all', { days: 0 }],
    ['an unknown algorithm', { algorithm: 'md5' as 'ec-p256' }],
  ])('%s is rejected, and nothing is written', async (_, options) => {
    const ca = await openDevCa(directory);
    const before = await readAll();
    await expect(ca.issueClient('client1', options)).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
    });
    expect(await readAll()).toEqual(before);
  });

  test('a server needs at least one name, and each address must be valid', async () => {
    const ca = await openDevCa(directory);
    await expect(ca.issueServer({ dns: [], ip: [] })).rejects.toThrow(/both empty/);
    await expect(ca.issueServer({ ip: ['localhost'] })).rejects.toThrow(/ip is "localhost"/);
  });

  test('no certificate outlives its CA, and an expired CA issues none', async () => {
    let now = Date.UTC(2030, 0, 1);
    const ca = await openDevCa(directory, { days: 10, now: () => now });
    expect((await ca.issueClient('client1')).notAfter).toEqual(new Date(now + 10 * dayMs));
    expect((await ca.issueClient('client2', { days: 0.5 })).notAfter).toEqual(new Date(now + dayMs / 2));
    now += 11 * dayMs;
    await expect(ca.issueClient('client3')).rejects.toThrow(/ca-crt\.pem expired at 2030-01-11T00:00:00/);
  });

  test('dates from 2050 on are encoded correctly', async () => {
    const ca = await openDevCa(directory, { days: 36_500, now: () => Date.UTC(2030, 0, 1) });
    const { notAfter } = await ca.issueClient('client1', { days: 10_000 });
    expect(notAfter.getUTCFullYear()).toBe(2057);
    expect(new Date((await readCertificate('client1')).validTo)).toEqual(notAfter);
    expect((await ca.list())[0]?.notAfter).toEqual(notAfter);
  });

  test('RSA keys are generated on request, and by default by an RSA CA', async () => {
    const ca = await openDevCa(directory, { algorithm: 'rsa-4096' });
    await ca.issueClient('client1');
    await ca.issueClient('client2', { algorithm: 'ec-p256' });
    const { publicKey } = await readCertificate('client1');
    expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(4096);
    expect((await readCertificate('client2')).publicKey.asymmetricKeyType).toBe('ec');
    await ca.revoke('client1');
    tls.createSecureContext({ ca: await read('ca-crt.pem'), crl: await read('ca-crl.pem') });
  }, 120_000);

  test('concurrent calls do not lose each other', async () => {
    const ca = await openDevCa(directory);
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all([...names.map((name) => ca.issueClient(name)), ca.revoke('a'), ca.revoke('b')]);
    expect((await ca.list()).map(({ name, revokedAt }) => [name, revokedAt !== undefined])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
      ['d', false],
      ['e', false],
    ]);
    expect(await read('ca-crlnumber.txt')).toBe('04\n');
  });
});

describe('revoking', () => {
  test('a revoked certificate is in the database and in the CRL, with its reason', async () => {
    const now = Date.UTC(2030, 0, 1, 12, 34, 56, 789);
    const ca = await openDevCa(directory, { now: () => now });
    const client1 = await ca.issueClient('client1', { commonName: 'One' });
    const { serialNumber } = await ca.issueClient('client2');
    const result = await ca.revoke('client2', { reason: 'keyCompromise' });
    const revokedAt = new Date(Date.UTC(2030, 0, 1, 12, 34, 56));
    expect(result).toMatchObject({
      outcome: 'revoked',
      certificate: { name: 'client2', serialNumber, revokedAt, reason: 'keyCompromise' },
      crl: {
        file: ca.crlFile,
        number: 2n,
        entries: 1,
        nextUpdate: new Date(revokedAt.getTime() + 30 * dayMs),
      },
    });
    expect(await ca.list()).toEqual([
      {
        name: 'client1',
        formerName: undefined,
        kind: 'client',
        commonName: 'One',
        serialNumber: client1.serialNumber,
        notAfter: client1.notAfter,
        revokedAt: undefined,
        reason: undefined,
      },
      expect.objectContaining({ name: 'client2', commonName: 'client2', revokedAt, reason: 'keyCompromise' }),
    ]);
    expect(await read('ca-database.txt')).toContain(
      `R\t310101123456Z\t300101123456Z,keyCompromise\t${serialNumber.toUpperCase()}\tunknown\t/CN=client2\n`,
    );
  });

  test('a second revocation does nothing and reports it', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.revoke('client1', { reason: 'superseded' });
    const before = await readAll();
    const again = await ca.revoke('client1', { reason: 'keyCompromise' });
    expect(again).toMatchObject({ outcome: 'already-revoked', certificate: { reason: 'superseded' } });
    expect(await readAll()).toEqual(before);
  });

  test.each<[string, (serial: string) => string]>([
    ['lower case', (serial) => serial],
    ['upper case', (serial) => serial.toUpperCase()],
    ['with leading zeros', (serial) => `00${serial}`],
    ['in pairs between colons', (serial) => (serial.match(/../g) ?? []).join(':')],
  ])('a serial number in %s selects a certificate', async (_, write) => {
    const ca = await openDevCa(directory);
    const { serialNumber } = await ca.issueClient('client1');
    expect(await ca.revoke(write(serialNumber))).toMatchObject({ outcome: 'revoked' });
  });

  test('without its file, a certificate is still found by its commonName if that is unique', async () => {
    const ca = await openDevCa(directory);
    const remove = async (): Promise<void> => {
      await rm(inFolder('client1-crt.pem'));
      await rm(inFolder('client1-key.pem'));
    };
    const first = await ca.issueClient('client1');
    await remove();
    const second = await ca.issueClient('client1');
    expect(await ca.revoke('client1')).toMatchObject({ certificate: { serialNumber: second.serialNumber } });
    await remove();
    await expect(ca.revoke('client1')).rejects.toThrow(
      new RegExp(`several certificates; use .*${first.serialNumber}, ${second.serialNumber}`),
    );
  });

  test('an unknown name is rejected, with the existing ones', async () => {
    const ca = await openDevCa(directory);
    await expect(ca.revoke('client1')).rejects.toThrow(/it has none yet/);
    await ca.issueServer();
    await ca.issueClient('client1');
    const before = await readAll();
    await expect(ca.revoke('client9')).rejects.toMatchObject({
      code: 'ERR_MTLS_CERTIFICATE_NOT_FOUND',
      message: expect.stringContaining('it has server, client1') as unknown,
    });
    expect(await readAll()).toEqual(before);
  });

  test.each(['whim', 'removeFromCRL', 'privilegeWithdrawn', 'KeyCompromise'])(
    'the reason %s is rejected, with the existing ones',
    async (reason) => {
      const ca = await openDevCa(directory);
      await ca.issueClient('client1');
      await expect(ca.revoke('client1', { reason: reason as RevocationReason })).rejects.toThrow(
        /use one of unspecified, keyCompromise/,
      );
      expect((await ca.list())[0]?.revokedAt).toBeUndefined();
    },
  );

  describe('by its file', () => {
    test('a certificate is revoked wherever its file is', async () => {
      const ca = await openDevCa(directory);
      const { certFile, serialNumber } = await ca.issueClient('client1');
      await rename(certFile, inFolder('elsewhere.pem'));
      expect(await ca.revokeFile(inFolder('elsewhere.pem'), { reason: 'keyCompromise' })).toMatchObject({
        outcome: 'revoked',
        certificate: { serialNumber, reason: 'keyCompromise' },
        crl: { entries: 1 },
      });
      expect(await ca.revokeFile(inFolder('elsewhere.pem'))).toMatchObject({ outcome: 'already-revoked' });
    });

    test('a certificate that the database lacks is added', async () => {
      const ca = await openDevCa(directory);
      const { certFile, serialNumber } = await ca.issueClient('client1', { organization: 'Ex+ample' });
      const database = await read('ca-database.txt');
      await writeFile(inFolder('ca-database.txt'), '');
      expect(await ca.revokeFile(certFile)).toMatchObject({ outcome: 'revoked', crl: { entries: 1 } });
      const fields = database.split('\t');
      const written = (await read('ca-database.txt')).split('\t');
      expect([written[0], written[1], ...written.slice(3)]).toEqual(['R', fields[1], ...fields.slice(3)]);
      expect(await ca.list()).toMatchObject([{ serialNumber, name: 'client1' }]);
    });

    test('a certificate of another CA with the same name is rejected', async () => {
      const other = await (await openDevCa(inFolder('other'))).issueClient('client1');
      const ca = await openDevCa(inFolder('mine'));
      const before = await readFile(inFolder('mine/ca-crl.pem'));
      await expect(ca.revokeFile(other.certFile)).rejects.toMatchObject({
        code: 'ERR_MTLS_OPTION_INVALID',
        message: expect.stringMatching(/was not issued by this CA/) as unknown,
      });
      expect(await readFile(inFolder('mine/ca-crl.pem'))).toEqual(before);
    });

    test("the CA's own certificate is rejected", async () => {
      const ca = await openDevCa(directory);
      await expect(ca.revokeFile(ca.certFile)).rejects.toThrow(/is the certificate of the CA itself/);
    });

    test('a file that is not a certificate is named', async () => {
      const ca = await openDevCa(directory);
      await expect(ca.revokeFile(ca.keyFile)).rejects.toMatchObject({ code: 'ERR_MTLS_PEM_INVALID' });
    });
  });

  test('if the CRL cannot be written, the certificate does not count as revoked', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await writeFile(inFolder('ca-crlnumber.txt'), 'nonsense');
    await expect(ca.revoke('client1')).rejects.toThrow(/ca-crlnumber\.txt holds "nonsense"/);
    expect((await ca.list())[0]?.revokedAt).toBeUndefined();
  });

  test('node:tls reads the CRL, which requires a certain PEM label', async () => {
    const ca = await openDevCa(directory);
    await ca.issueClient('client1');
    await ca.revoke('client1');
    const crl = await read('ca-crl.pem');
    expect(crl).toMatch(/^-----BEGIN X509 CRL-----\n[^-]+-----END X509 CRL-----\n$/);
    tls.createSecureContext({ ca: await read('ca-crt.pem'), crl });
  });
});

describe('renewing the CRL', () => {
  test('each CRL has the next number and a nextUpdate', async () => {
    const now = Date.UTC(2030, 0, 1);
    const ca = await openDevCa(directory, { now: () => now });
    expect(await ca.nextUpdate()).toEqual(new Date(now + 30 * dayMs));
    expect(await ca.writeCrl({ days: 7 })).toEqual({
      file: ca.crlFile,
      number: 2n,
      nextUpdate: new Date(now + 7 * dayMs),
      entries: 0,
    });
    expect(await ca.nextUpdate()).toEqual(new Date(now + 7 * dayMs));
    expect((await ca.writeCrl()).number).toBe(3n);
  });

  test('no temporary file stays behind', async () => {
    const ca = await openDevCa(directory);
    await ca.writeCrl();
    expect((await readdir(directory)).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  test('five thousand revocations are written and read', async () => {
    const ca = await openDevCa(directory);
    const rows = Array.from({ length: 5000 }, (_, index) => {
      const serial = (0x1000 + index).toString(16).toUpperCase();
      return `R\t401231000000Z\t300101000000Z\t${serial}\tunknown\t/CN=${serial}\n`;
    });
    await writeFile(inFolder('ca-database.txt'), rows.join(''));
    expect((await ca.writeCrl()).entries).toBe(5000);
    expect(await ca.nextUpdate()).toBeInstanceOf(Date);
    tls.createSecureContext({ ca: await read('ca-crt.pem'), crl: await read('ca-crl.pem') });
  });

  test('a file that is not a CRL is named', async () => {
    const ca = await openDevCa(directory);
    await writeFile(ca.crlFile, '-----BEGIN CRL-----\nAAAA\n-----END CRL-----\n');
    await expect(ca.nextUpdate()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_INVALID' });
  });
});
