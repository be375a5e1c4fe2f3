import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { readPrivateKey, type PrivateKey } from '../../../src/material/private-key.js';
import { formatPem } from '../../../src/x509/pem.js';
import { toIndefinite } from '../../support/ber.js';
import { ca } from '../../support/chain.js';
import { integer, octetString, oid, sequence } from '../../support/der-writer.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { pkcs12 } from '../../support/pkcs12.js';
import { openssl, testWithOpenssl } from '../../support/openssl.js';
import { failureOf } from '../x509/failure.js';

const secret = 's3cret';
const root = ca('root');
const client = root.client('a');
const { privateKey, keyPem } = client;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const cipher = { cipher: 'aes-256-cbc', passphrase: secret } as const;
const sec1 = privateKey.export({ format: 'pem', type: 'sec1' }).toString();
const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
const oldEncrypted = privateKey.export({ format: 'pem', type: 'sec1', ...cipher }).toString();
const encrypted = privateKey.export({ format: 'pem', type: 'pkcs8', ...cipher }).toString();
const newline = Buffer.from('\n');

function read(bytes: string | Buffer, value?: string): PrivateKey {
  return readPrivateKey(
    { bytes: Buffer.from(bytes), origin: 'key.pem' },
    { value, remedy: 'give it', name: 'what was given' },
  );
}

describe('a key is read', () => {
  test.each<[form: string, bytes: string | Buffer, key?: typeof privateKey]>([
    ['PKCS#8', keyPem],
    ['SEC1', sec1],
    ['PKCS#1', rsa.export({ format: 'pem', type: 'pkcs1' }).toString(), rsa],
    ['PKCS#8 in DER', pkcs8],
    ['SEC1 in DER', privateKey.export({ format: 'der', type: 'sec1' })],
    ['PKCS#1 in DER', rsa.export({ format: 'der', type: 'pkcs1' }), rsa],
    ['PKCS#8 in DER with a newline', Buffer.concat([pkcs8, newline])],
    [
      'a short key in DER with a newline',
      Buffer.concat([ed25519.export({ format: 'der', type: 'pkcs8' }), newline]),
      ed25519,
    ],
    ['PEM with a byte order mark', `\ufeff${keyPem}`],
    ['PEM of Windows', keyPem.replaceAll('\n', '\r\n')],
    ['PEM of old Macs', keyPem.replaceAll('\n', '\r')],
    ['PEM with spaces behind its lines', keyPem.replaceAll('\n', '  \n')],
    ['PEM between lines of dashes', `---- the key ----\n${keyPem}-----------------\n`],
    [
      'PEM behind its parameters',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
    ],
    ['PEM between certificates', client.pem + keyPem + root.pem],
    [
      'PEM as openssl pkcs12 writes it',
      `Bag Attributes\n    localKeyID: 01 \nKey Attributes: <No Attributes>\n${keyPem}`,
    ],
  ])('%s', (_form, bytes, key = privateKey) => {
    const { key: found, pem, passphrase } = read(bytes);
    expect(found.equals(key)).toBe(true);
    expect(passphrase).toBeUndefined();
    expect(() => createSecureContext({ key: pem })).not.toThrow();
  });

  test('unchanged in PEM, for node:tls', () => {
    expect(read(keyPem).pem).toBe(keyPem);
    expect(read(sec1.replaceAll('\n', '\r\n')).pem).toBe(sec1);
    expect(read(pkcs8).pem).toBe(keyPem);
  });

  test.each<[form: string, bytes: string | Buffer, isPem: boolean]>([
    ['PKCS#8', encrypted, true],
    ['the old form of OpenSSL', oldEncrypted, true],
    ['the old form of OpenSSL, of Windows', oldEncrypted.replaceAll('\n', '\r\n'), true],
    ['PKCS#8 in DER', privateKey.export({ format: 'der', type: 'pkcs8', ...cipher }), false],
  ])('with its passphrase, in %s, and stays encrypted in PEM', (_form, bytes, isPem) => {
    const { key, pem, passphrase } = read(bytes, secret);
    expect(key.equals(privateKey)).toBe(true);
    expect({ passphrase, isEncrypted: pem.includes('ENCRYPTED') }).toEqual({
      passphrase: isPem ? secret : undefined,
      isEncrypted: isPem,
    });
    expect(() => createSecureContext({ key: pem, ...(passphrase && { passphrase }) })).not.toThrow();

    for (const value of [undefined, 'wrong']) {
      const { code, message, cause } = failureOf(() => read(bytes, value));
      expect(code).toBe('ERR_MTLS_PASSPHRASE_INVALID');
      expect(message).toBe(
        `key.pem: the private key ${value === undefined ? 'is encrypted; give it' : 'cannot be decrypted with what was given; give it'}`,
      );
      expect(cause).toMatchObject({ message: expect.any(String) });
    }
  });
});

/** An encrypted key whose cipher OpenSSL 3 has no longer, and who knows what in it. */
const lost = sequence(
  sequence(oid('1.2.840.113549.1.5.3'), sequence(octetString(Buffer.alloc(8)), integer(2048))),
  octetString(Buffer.alloc(16)),
);
const lostPem = formatPem({ label: 'ENCRYPTED PRIVATE KEY', der: lost });
const lostOld = formatPem({
  label: 'EC PRIVATE KEY',
  headers: 'Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,1CAAACAFAC633F0F',
  der: Buffer.alloc(16),
});

describe('encryption that OpenSSL 3 does not support is named', () => {
  test.each<[form: string, bytes: string | Buffer, name: string]>([
    ['PKCS#8', lostPem, 'PBE-MD5-DES'],
    ['PKCS#8 in DER', lost, 'PBE-MD5-DES'],
    ['the old form of OpenSSL', lostOld, 'DES-CBC'],
  ])('in %s, with a passphrase and without', (_form, bytes, name) => {
    for (const value of [undefined, secret])
      expect(failureOf(() => read(bytes, value))).toMatchObject({
        code: 'ERR_MTLS_FORMAT_UNSUPPORTED',
        message: `key.pem: the private key is encrypted with ${name}, which OpenSSL 3 does not support; re-encrypt it with "openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in FILE -out NEW"`,
      });
  });

  testWithOpenssl.each([
    ['PBE-MD5-DES', ['pkcs8', '-topk8', '-v1', 'PBE-MD5-DES']],
    ['PBE-SHA1-RC2-64', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-RC2-64']],
    ['DES-CBC', ['ec', '-des']],
  ])('and the suggested command for %s works', (name, args) => {
    const directory = temporaryDirectory();
    writeMaterial(directory, { 'key.pem': keyPem, secret });
    const legacy = ['-provider', 'legacy', '-provider', 'default'];
    openssl(directory, ...args, ...legacy, '-in', 'key.pem', '-passout', 'file:secret', '-out', 'old.pem');
    const { message } = failureOf(() => read(readFileSync(join(directory, 'old.pem')), secret));
    expect(message).toContain(`is encrypted with ${name}, which `);
    const command = (/"(openssl [^"]+)"/.exec(message)?.[1] ?? 'false')
      .replace('FILE', 'old.pem')
      .replace('NEW', 'new.pem');
    const { status } = spawnSync('sh', ['-c', `${command} -passin pass:${secret} -passout pass:${secret}`], {
      cwd: directory,
    });
    expect(status).toBe(0);
    expect(read(readFileSync(join(directory, 'new.pem')), secret).key.equals(privateKey)).toBe(true);
  });
});

const p12 = pkcs12({ password: 'a', certificates: [client], key: client, iterations: 1 });
const takeOut = '"openssl pkcs12 -in FILE -nocerts -out key.pem" extracts the key';
const wanted = 'where a private key ("PRIVATE KEY") was expected;';
const give = 'use the private key that belongs to the certificate';
const publicDer = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });

describe('anything but a key is named', () => {
  test.each<[what: string, bytes: string | Buffer, message: string]>([
    ['a certificate', client.pem, `found a PEM block "CERTIFICATE" ${wanted} ${give}`],
    ['a certificate in DER', client.der, `found a certificate in DER ${wanted} ${give}`],
    ['a CRL in DER', root.crl().der, `found a CRL in DER ${wanted} ${give}`],
    [
      'a public key',
      formatPem({ label: 'PUBLIC KEY', der: publicDer }),
      `found a PEM block "PUBLIC KEY" ${wanted} ${give}`,
    ],
    ['a public key in DER', publicDer, `found a public key in DER ${wanted} ${give}`],
    ['PKCS#12', p12, `found PKCS#12 ${wanted} ${takeOut}`],
    ['PKCS#12 in BER', toIndefinite(p12), `found PKCS#12 ${wanted} ${takeOut}`],
    [
      'a key of SSH',
      formatPem({ label: 'OPENSSH PRIVATE KEY', der: Buffer.from('openssh-key-v1\0') }),
      `found a PEM block "OPENSSH PRIVATE KEY" ${wanted} "ssh-keygen -p -m PKCS8 -f COPY" converts a copy of an RSA or EC key; for Ed25519, create a new key with "openssl genpkey"`,
    ],
    ['DER of no kind', Buffer.from('3003020105', 'hex'), `found DER of another kind ${wanted} ${give}`],
    ['nothing', '', 'it is empty; expected PEM ("-----BEGIN …-----") or DER'],
  ])('%s', (_what, bytes, message) => {
    expect(failureOf(() => read(bytes))).toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: `key.pem: ${message}`,
    });
  });

  test.each<[what: string, bytes: string | Buffer, seen: string]>([
    ['PEM', formatPem({ label: 'PRIVATE KEY', der: pkcs8.subarray(0, -1) }), 'a PEM block "PRIVATE KEY"'],
    ['DER', sequence(integer(0), sequence(oid('1.2.3')), octetString(Buffer.alloc(9))), 'DER'],
  ])('a key in %s that cannot be parsed', (_what, bytes, seen) => {
    const { code, message, cause } = failureOf(() => read(bytes));
    expect(code).toBe('ERR_MTLS_PEM_INVALID');
    expect(message).toBe(
      `key.pem: found ${seen} that cannot be parsed as a key; expected a private key ("-----BEGIN PRIVATE KEY-----") or PKCS#8 in DER`,
    );
    expect(cause).toMatchObject({ message: expect.any(String) });
  });
});

test('messages contain no part of a key', () => {
  const body = keyPem.split('\n')[1] ?? '';
  const forms = [
    keyPem.slice(0, -40),
    keyPem.slice(20),
    `x${keyPem.slice(5)}`,
    keyPem.replaceAll('\n', '\\n'),
    keyPem.replaceAll('\n', ' '),
    JSON.stringify(keyPem),
    ` ${keyPem}`,
    keyPem.split('\n').slice(1, -2).join('\n'),
    Buffer.from(keyPem, 'utf16le'),
    keyPem.replaceAll('PRIVATE', 'PUBLIC'),
    keyPem.replaceAll('PRIVATE KEY', 'CERTIFICATE'),
  ];
  for (const form of forms) expect(failureOf(() => read(form)).message).not.toContain(body);
});
