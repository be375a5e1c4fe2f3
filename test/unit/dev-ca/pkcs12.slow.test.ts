/**
 * `NAME.p12`: what node:tls and OpenSSL make of it, and where its password is.
 *
 * @module
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';
import tls from 'node:tls';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openDevCa, type DevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../../support/files.js';
import { openssl, testWithOpenssl } from '../../support/openssl.js';

let directory: string;
let ca: DevCa;

beforeEach(async () => {
  directory = temporaryDirectory();
  ca = await openDevCa(directory);
  await ca.issueClient('client1');
});

const inFolder = (file: string): string => path.join(directory, file);

const passwords = [
  ['of ASCII', 'secret'],
  ['of other letters', 'pässwörd 日本'],
  ['beyond the basic plane', 'a𝄞b'],
  ['longer than a block of the hash', 'x'.repeat(100)],
] as const;

describe.each(passwords)('a file with a password %s', (_, password) => {
  test('is opened by node:tls, only with that password', async () => {
    const { file } = await ca.writePkcs12('client1', { password });
    const pfx = await readFile(file);
    expect(() => tls.createSecureContext({ pfx, passphrase: password })).not.toThrow();
    expect(() => tls.createSecureContext({ pfx, passphrase: `${password}!` })).toThrow(/mac verify failure/);
  });

  testWithOpenssl('is opened by openssl, without -legacy', async () => {
    await ca.writePkcs12('client1', { password, friendlyName: 'Client Öne' });
    await writeFile(inFolder('password'), password);
    const args = ['pkcs12', '-in', 'client1.p12', '-passin', 'file:password', '-info'];
    const shown = openssl(directory, ...args, '-nodes');
    expect(shown).toMatch(/MAC: sha256, Iteration 100000/);
    expect(shown).toMatch(
      /Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256/,
    );
    const ids = shown.match(/localKeyID: [0-9A-F ]{59}/g) ?? [];
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    const blocks = shown.match(/-----BEGIN [^]+?-----END [^-]+-----\n/g) ?? [];
    expect(blocks).toStrictEqual([
      await readFile(inFolder('client1-crt.pem'), 'utf8'),
      await readFile(inFolder('ca-crt.pem'), 'utf8'),
      await readFile(inFolder('client1-key.pem'), 'utf8'),
    ]);
  });
});

testWithOpenssl('every part is DER that openssl walks to its end', async () => {
  const { file } = await ca.writePkcs12('client1', { password: 'secret' });
  const parsed = openssl(directory, 'asn1parse', '-inform', 'DER', '-in', path.basename(file));
  expect(parsed).toMatch(/^ +0:d=0 +hl=4 l= *\d+ cons: SEQUENCE/);
});

test('is enough for a client to be admitted', async () => {
  await ca.issueServer();
  const { file } = await ca.writePkcs12('client1', { password: 'secret' });
  const server = tls.createServer(
    {
      key: await readFile(inFolder('server-key.pem')),
      cert: await readFile(inFolder('server-crt.pem')),
      ca: await readFile(inFolder('ca-crt.pem')),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => socket.end(String(socket.getPeerCertificate().subject.CN)),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as { port: number };
    // The file's CA certificate is what this trusts, too: it is given no other.
    const socket = tls.connect({ port, host: 'localhost', pfx: await readFile(file), passphrase: 'secret' });
    const [name] = (await once(socket, 'data')) as [Buffer];
    expect(name.toString()).toBe('client1');
    expect(socket.authorized).toBe(true);
  } finally {
    server.close();
  }
});

describe('its password', () => {
  test('is random by default, stored beside it for its owner only, and reused', async () => {
    const { file, passwordFile } = await ca.writePkcs12('client1');
    const password = await readFile(passwordFile as string, 'utf8');
    expect(passwordFile).toBe(inFolder('client1-p12-password.txt'));
    expect(password).toMatch(/^([0-9a-hjkmnp-tv-z]{5}-){3}[0-9a-hjkmnp-tv-z]{5}\n$/);
    for (const each of [file, passwordFile as string]) expect((await stat(each)).mode & 0o777).toBe(0o600);
    await ca.writePkcs12('client1');
    expect(await readFile(passwordFile as string, 'utf8')).toBe(password);
    tls.createSecureContext({ pfx: await readFile(file), passphrase: password.trim() });
  });

  test('differs from file to file', async () => {
    await ca.issueClient('client2');
    await ca.writePkcs12('client1');
    await ca.writePkcs12('client2');
    expect(await readFile(inFolder('client1-p12-password.txt'))).not.toEqual(
      await readFile(inFolder('client2-p12-password.txt')),
    );
  });

  test('is not stored if the caller sets it', async () => {
    await ca.writePkcs12('client1');
    expect(await ca.writePkcs12('client1', { password: 'secret' })).toStrictEqual({
      file: inFolder('client1.p12'),
      passwordFile: undefined,
    });
    await expect(stat(inFolder('client1-p12-password.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each(['', 'a\nb', '\ud800'])('is not %j', async (password) => {
    await expect(ca.writePkcs12('client1', { password })).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringMatching(/^password is empty, too long, or/) as unknown,
    });
  });

  test('is rejected if its file is empty', async () => {
    await writeFile(inFolder('client1-p12-password.txt'), '\n');
    await expect(ca.writePkcs12('client1')).rejects.toThrow(/password is empty/);
  });
});

test('a missing certificate is an error', async () => {
  await expect(ca.writePkcs12('client9')).rejects.toThrow(
    /client9-crt\.pem is missing; a PKCS#12 file needs/,
  );
});
