import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { checkServerCredentials, type ServerCredentials } from '../../../src/material/server-credentials.js';
import { type SourceBytes } from '../../../src/material/sources.js';
import { ca } from '../../support/chain.js';
import { day, fromNow } from '../../support/lists.js';
import { failureOf } from '../x509/failure.js';

const root = ca('root');
const east = root.intermediate('east');
const server = east.server();
const passphrase = 'correct horse';

function check(
  key: string | Buffer,
  cert: string | Buffer,
  { secret, at = new Date() }: { secret?: string; at?: Date } = {},
): ServerCredentials {
  return checkServerCredentials(
    { bytes: Buffer.from(key), origin: 'server-key.pem' },
    { bytes: Buffer.from(cert), origin: 'server-crt.pem' },
    secret,
    at,
  );
}

function encrypted(format: 'pem' | 'der'): string | Buffer {
  const options = { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase } as const;
  return format === 'pem'
    ? server.privateKey.export({ format: 'pem', ...options })
    : server.privateKey.export({ format: 'der', ...options });
}

describe('a matching key and certificate', () => {
  test('have the form for node:tls', () => {
    const credentials = check(server.keyPem, server.chainPem);
    expect(credentials).toMatchObject({
      key: server.keyPem,
      cert: server.pem + east.pem,
      passphrase: undefined,
    });
    expect(Object.isFrozen(credentials)).toBe(true);
  });

  test.each(['p256', 'p384', 'rsa2048', 'ed25519'] as const)('can be %s', (key) => {
    const { keyPem, pem } = root.server({ key });
    expect(check(keyPem, pem).cert).toBe(pem);
  });

  test('can be in one file for both options', () => {
    const both = server.keyPem + server.chainPem;
    expect(check(both, both)).toMatchObject({ key: server.keyPem, cert: server.pem + east.pem });
    expect(failureOf(() => check(server.keyPem, both)).message).toContain('found a PEM block "PRIVATE KEY"');
  });

  test('can be DER', () => {
    const key = server.privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(check(key, server.der)).toMatchObject({
      key: server.keyPem,
      cert: server.pem,
      passphrase: undefined,
    });
  });

  test('can have the older form of the key', () => {
    const key = server.privateKey.export({ format: 'pem', type: 'sec1' }).toString();
    expect(check(key, server.pem).key).toBe(key);
  });

  test('can be encrypted, and stay so in PEM', () => {
    const key = encrypted('pem').toString();
    expect(check(key, server.pem, { secret: passphrase })).toMatchObject({
      key,
      cert: server.pem,
      passphrase,
    });
  });

  test('can be encrypted in DER, which node:tls does not read', () => {
    expect(check(encrypted('der'), server.pem, { secret: passphrase })).toMatchObject({
      key: server.keyPem,
      cert: server.pem,
      passphrase: undefined,
    });
  });

  test('are valid from notBefore to before notAfter', () => {
    const { keyPem, pem, notBefore, notAfter } = server;
    expect(() => check(keyPem, pem, { at: notBefore })).not.toThrow();
    expect(() => check(keyPem, pem, { at: new Date(notAfter.getTime() - 1) })).not.toThrow();
  });
});

describe('a key is rejected', () => {
  test.each<[string, string | Buffer, string, string]>([
    [
      'that is no PEM',
      'hello',
      'ERR_MTLS_PEM_INVALID',
      'no PEM block was found; expected PEM ("-----BEGIN …-----") or DER',
    ],
    [
      'that is a certificate',
      server.pem,
      'ERR_MTLS_PEM_INVALID',
      'found a PEM block "CERTIFICATE" where a private key ("PRIVATE KEY") was expected; use the private key that belongs to the certificate',
    ],
    [
      'that is cut off',
      server.keyPem.slice(0, 80),
      'ERR_MTLS_PEM_INVALID',
      'a "PRIVATE KEY" block without an END line: the file is truncated or still being written (at byte 0); write the file again',
    ],
    [
      'that is encrypted, without a passphrase',
      encrypted('pem'),
      'ERR_MTLS_PASSPHRASE_INVALID',
      'the private key is encrypted; set options.passphrase to its passphrase',
    ],
    [
      'that is encrypted in DER, without a passphrase',
      encrypted('der'),
      'ERR_MTLS_PASSPHRASE_INVALID',
      'the private key is encrypted; set options.passphrase to its passphrase',
    ],
  ])('%s', (_what, key, code, message) => {
    expect(failureOf(() => check(key, server.pem))).toMatchObject({
      code,
      message: `server-key.pem: ${message}`,
    });
  });

  test('of a server name, with the option of that name', () => {
    const source = (bytes: string | Buffer): SourceBytes => ({ bytes: Buffer.from(bytes), origin: 'a.pem' });
    const { message } = failureOf(() =>
      checkServerCredentials(
        source(encrypted('pem')),
        source(server.pem),
        undefined,
        new Date(),
        'sni["a"].',
      ),
    );
    expect(message).toBe(
      'a.pem: the private key is encrypted; set options.sni["a"].passphrase to its passphrase',
    );
  });

  test('with a wrong passphrase, which is not shown', () => {
    const { code, message } = failureOf(() =>
      check(encrypted('pem'), server.pem, { secret: 'battery staple' }),
    );
    expect(code).toBe('ERR_MTLS_PASSPHRASE_INVALID');
    expect(message).toBe(
      'server-key.pem: the private key cannot be decrypted with the given options.passphrase; set options.passphrase to the passphrase of this key',
    );
  });

  test('and no message shows any part of it', () => {
    const body = server.keyPem.split('\n')[1]!;
    for (const key of [
      server.keyPem.slice(0, -40),
      server.keyPem.replace('PRIVATE', 'PUBLIC'),
      `x${server.keyPem.slice(5)}`,
    ]) {
      expect(failureOf(() => check(key, server.pem)).message).not.toContain(body);
    }
  });
});

describe('a certificate is rejected', () => {
  test('that does not match the key', () => {
    const { code, message } = failureOf(() => check(root.server().keyPem, server.pem));
    expect(code).toBe('ERR_MTLS_KEY_MISMATCH');
    expect(message).toBe(
      'the key in server-key.pem does not belong to the certificate in server-crt.pem; if the pair is being replaced, the other file may follow; otherwise use a matching pair',
    );
  });

  test('that follows another one', () => {
    const { code, message } = failureOf(() => check(server.keyPem, root.pem + east.pem + server.pem));
    expect(code).toBe('ERR_MTLS_KEY_MISMATCH');
    expect(message).toBe(
      "the key in server-key.pem does not belong to the certificate in server-crt.pem; the key belongs to certificate 3 in the file: put the server's certificate first",
    );
  });

  test.each<[string, string | Buffer, string]>([
    ['that is a key', server.keyPem, 'server-crt.pem: found a PEM block "PRIVATE KEY" where a certificate'],
    ['that is empty', '', 'server-crt.pem: it is empty'],
    [
      'that is damaged',
      `-----BEGIN CERTIFICATE-----\n${Buffer.alloc(200, 1).toString('base64')}\n-----END CERTIFICATE-----\n`,
      'server-crt.pem: a certificate in it cannot be read; write the file again',
    ],
    [
      'behind which a damaged one stands',
      `${server.pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      'server-crt.pem: a certificate in it cannot be read; write the file again',
    ],
    ['that is cut off', server.pem.slice(0, -10), 'server-crt.pem: '],
  ])('%s', (_what, cert, message) => {
    expect(failureOf(() => check(server.keyPem, cert))).toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringContaining(message),
    });
  });

  test('outside its validity period', () => {
    const { keyPem, pem, notBefore, notAfter } = server;
    const early = new Date(notBefore.getTime() - 1000);
    expect(failureOf(() => check(keyPem, pem, { at: early }))).toMatchObject({
      code: 'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
      message: `server-crt.pem: the server's certificate is not valid before ${notBefore.toISOString()}; check the clock of this host, which says ${early.toISOString()}`,
    });
    expect(failureOf(() => check(keyPem, pem, { at: notAfter }))).toMatchObject({
      code: 'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
      message: `server-crt.pem: the server's certificate expired at ${notAfter.toISOString()}; issue a new one (the clock of this host says ${notAfter.toISOString()})`,
    });
  });

  test('but not for the dates of its intermediate CAs, which the clients check', () => {
    const old = root.intermediate({
      commonName: 'east',
      privateKey: east.privateKey,
      notBefore: fromNow(-2 * day),
      notAfter: fromNow(-day),
    });
    expect(() => check(server.keyPem, server.pem + old.pem)).not.toThrow();
  });

  test('that OpenSSL finds too weak', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 768 });
    const weak = ca().server({ privateKey });
    const { code, message } = failureOf(() => check(weak.keyPem, weak.pem));
    expect(code).toBe('ERR_MTLS_SERVER_CERTIFICATE_INVALID');
    expect(message).toMatch(
      /^OpenSSL rejects the key in server-key\.pem with the certificate in server-crt\.pem: .*/,
    );
  });
});
