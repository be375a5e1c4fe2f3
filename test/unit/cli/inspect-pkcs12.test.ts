/**
 * `express-mtls inspect`, of PKCS#12 files.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ca } from '../../support/chain.js';
import { runCommand, type CommandResult } from '../../support/command.js';
import { Budget, derivePkcs12KeyWithin } from '../../../src/cli/inspect/password-encryption.js';
import { toIndefinite } from '../../support/ber.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { pkcs12, type Pkcs12Options } from '../../support/pkcs12.js';
import { openssl, testWithOpenssl } from '../../support/openssl.js';

const directory = temporaryDirectory();
const root = ca('root');
const client = root.client({ commonName: 'client1' });
const password = 'pa55 wörd €';
const given = { password, certificates: [client, root], key: client } as const;

async function inspect(file: Buffer, secret?: string, ...options: string[]): Promise<CommandResult> {
  const { p12 } = writeMaterial(directory, { p12: file });
  const env = secret === undefined ? {} : { EXPRESS_MTLS_P12_PASSWORD: secret };
  const result = await runCommand(['inspect', p12, ...options], { env });
  const strip = (text: string): string => text.replaceAll(p12, 'a.p12');
  return { ...result, out: strip(result.out), err: strip(result.err) };
}

test('its contents are described, with their relations, but neither the key nor the password', async () => {
  const { code, out, err } = await inspect(pkcs12({ ...given, friendlyName: 'my key' }), password);
  expect({ code, err }).toStrictEqual({ code: 0, err: '' });
  const [head, first, second, third] = out.split('\n\n');
  expect(head).toBe(
    [
      'a.p12: PKCS#12 file',
      '  Holds        1 private key, 2 certificates',
      '  Encrypted    AES-256-CBC',
      '  Integrity    PBMAC1 with SHA-256',
    ].join('\n'),
  );
  expect(first).toMatch(/^a\.p12, number 1: client certificate\n {2}Subject {6}CN=client1\n/);
  expect(first).toMatch(/^ {2}Issued by {4}CN=root \(a\.p12, number 2\)$/m);
  expect(second).toMatch(/^a\.p12, number 2: root CA certificate\n/);
  expect(third).toBe(
    [
      'a.p12, number 3: private key',
      '  Called       my key',
      '  Key          EC, 256 bits',
      '  Belongs to   a.p12, number 1\n',
    ].join('\n'),
  );
  expect(out).not.toContain(password);
  expect(out).not.toContain(client.keyPem.split('\n')[1]);
});

test('its contents are available as JSON', async () => {
  const { out } = await inspect(pkcs12(given), password, '--json');
  expect(JSON.parse(out)).toMatchObject({
    items: [
      {
        type: 'pkcs12',
        holds: ['certificate', 'certificate', 'private-key'],
        encryptions: ['AES-256-CBC'],
        mac: 'PBMAC1 with SHA-256',
      },
      { type: 'certificate', commonNames: ['client1'] },
      { type: 'certificate', isCa: true },
      { type: 'private-key', key: { algorithm: 'ec', bits: 256 } },
    ],
  });
});

test('its password may be in a file', async () => {
  const { secret } = writeMaterial(directory, { secret: `${password}\n` });
  expect((await inspect(pkcs12(given), 'another', '--password-file', secret)).code).toBe(0);
});

test('a name with line breaks stays on one line', async () => {
  const file = pkcs12({ ...given, friendlyName: 'a\n  Would be let in\u001B[32m' });
  const { out } = await inspect(file, password);
  expect(out).toContain('  Called       a\\u{a}  Would be let in\\u{1b}[32m\n');
});

describe('cannot be opened', () => {
  test.each<[string, Partial<Pkcs12Options>, string | undefined, RegExp]>([
    ['without its password', {}, undefined, /requires a password; set it with --password-file FILE or/],
    ['with another password', {}, 'another', /password is wrong, or the file is damaged; check the password/],
    ['with another password, where it has no MAC', { mac: false }, 'another', /the given password is wrong/],
    ['if that takes hours', { iterations: 2_000_000_000 }, password, /more than 4,000,000 rounds of hashing/],
  ])('%s: one line, exit code 3', async (_what, options, secret, message) => {
    const { code, out, err } = await inspect(pkcs12({ ...given, ...options }), secret);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(/^(?:error|ERR_MTLS_FORMAT_UNSUPPORTED): a\.p12: [^\n]*\n$/);
    expect(err).toMatch(message);
  });

  test('if a byte under the MAC has changed, which nothing else would detect', async () => {
    const file = pkcs12({ ...given, friendlyName: 'my key' });
    const place = file.indexOf(Buffer.from('key', 'utf16le').swap16());
    file.writeUInt8(0x6c, place + 1);
    const { code, err } = await inspect(file, password);
    expect(code).toBe(3);
    expect(err).toMatch(/password is wrong, or the file is damaged/);
  });
});

test('without a MAC it is reported as not protected', async () => {
  const { code, out } = await inspect(pkcs12({ ...given, mac: false }), password);
  expect(code).toBe(0);
  expect(out).toContain('  Integrity    not protected\n');
});

describe('BER, as NSS writes it', () => {
  test.each([
    ['outside', (file: Buffer) => toIndefinite(file)],
    ['within', (_file: Buffer, ber: Buffer) => ber],
    ['outside and within', (_file: Buffer, ber: Buffer) => toIndefinite(ber)],
    ['outside, in DER with a newline', (file: Buffer) => Buffer.concat([file, Buffer.from('\n')])],
  ])('is read %s', async (_where, convert) => {
    const file = convert(pkcs12(given), pkcs12({ ...given, convert: toIndefinite }));
    const { code, err, out } = await inspect(file, password);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(/Holds {8}1 private key, 2 certificates\n/);
    expect(out).toMatch(/number 1: client certificate\n {2}Subject {6}CN=client1\n/);
    const wrong = await inspect(file, 'another');
    expect(wrong.err).toMatch(/password is wrong, or the file is damaged/);
  });

  test('that is truncated is rejected', async () => {
    const { code, err } = await inspect(toIndefinite(pkcs12(given)).subarray(0, -2), password);
    expect(code).toBe(3);
    expect(err).toMatch(/^ERR_MTLS_PEM_INVALID: a\.p12: /);
  });
});

test('a file of NSS, whose MAC alone takes 600,000 rounds, is within the limit', async () => {
  const budget = new Budget();
  const use = { id: 3, hash: 'sha256', salt: Buffer.alloc(16), iterations: 2, length: 32 } as const;
  derivePkcs12KeyWithin(budget, password, use);
  // The MAC, the certificates and the key.
  expect(() => {
    budget.spend(4 * 600_000 + 2 * 600_000);
  }).not.toThrow();
});

describe('those that openssl makes', () => {
  const files = writeMaterial(temporaryDirectory(), {
    key: client.keyPem,
    cert: client.pem,
    ca: root.pem,
  });

  function make(secret: string, ...options: string[]): Buffer {
    const out = join(directory, 'openssl.p12');
    const material = ['-in', files.cert, '-inkey', files.key, '-certfile', files.ca];
    openssl(
      directory,
      'pkcs12',
      '-export',
      ...material,
      '-passout',
      `pass:${secret}`,
      '-out',
      out,
      ...options,
    );
    return readFileSync(out);
  }

  const old = ['-legacy', '-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES'];

  testWithOpenssl.each<[string, string[], RegExp]>([
    ['of today', [], /AES-256-CBC\n {2}Integrity {4}HMAC with SHA-256/],
    ['with AES-128', ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-192-CBC'], /AES-128-CBC, AES-192-CBC\n/],
    ['with Triple DES', old, /Triple DES with SHA-1\n {2}Integrity {4}HMAC with SHA-1/],
    ['with a MAC of SHA-512', ['-macalg', 'sha512'], /HMAC with SHA-512/],
    ['without encryption', ['-certpbe', 'NONE', '-keypbe', 'NONE'], /Encrypted {4}no\n/],
    ['without a MAC', ['-nomac'], /Integrity {4}not protected\n/],
    ['with many rounds', ['-iter', '50000'], /AES-256-CBC\n/],
  ])('%s', async (_what, options, head) => {
    const { code, err, out } = await inspect(make(password, ...options), password);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(head);
    expect(out).toMatch(
      /number 3: private key\n {2}Key {10}EC, 256 bits\n {2}Belongs to {3}a\.p12, number 1\n/,
    );
  });

  testWithOpenssl('with an empty password need none', async () => {
    expect((await inspect(make(''))).code).toBe(0);
  });

  testWithOpenssl('with RC2 cannot be opened, and the way out is told', async () => {
    const { code, err } = await inspect(make(password, '-legacy', '-certpbe', 'PBE-SHA1-RC2-40'), password);
    expect(code).toBe(3);
    expect(err).toMatch(
      /encrypted with 40-bit RC2, which is not supported; "openssl pkcs12 -legacy -nokeys -in /,
    );
  });
});
