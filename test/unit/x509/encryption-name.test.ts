import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { encryptionOf, nameEncryption } from '../../../src/x509/encryption-name.js';
import { nullValue, octetString, oid, sequence } from '../../support/der-writer.js';

const key = (algorithm: Buffer): Buffer => sequence(algorithm, octetString(Buffer.alloc(8)));
const pbes2 = (cipher: string): Buffer =>
  sequence(
    oid('1.2.840.113549.1.5.13'),
    sequence(sequence(oid('1.2.840.113549.1.5.12')), sequence(oid(cipher))),
  );

test.each([
  ['1.2.840.113549.1.5.1', 'PBE-MD2-DES'],
  ['1.2.840.113549.1.5.3', 'PBE-MD5-DES'],
  ['1.2.840.113549.1.5.4', 'PBE-MD2-RC2-64'],
  ['1.2.840.113549.1.5.6', 'PBE-MD5-RC2-64'],
  ['1.2.840.113549.1.5.10', 'PBE-SHA1-DES'],
  ['1.2.840.113549.1.5.11', 'PBE-SHA1-RC2-64'],
  ['1.2.840.113549.1.12.1.1', '128-bit RC4'],
  ['1.2.840.113549.1.12.1.2', '40-bit RC4'],
  ['1.2.840.113549.1.12.1.4', 'two-key Triple DES'],
  ['1.2.840.113549.1.12.1.5', '128-bit RC2'],
  ['1.2.840.113549.1.12.1.6', '40-bit RC2'],
  ['1.2.840.113549.3.2', 'RC2-CBC'],
  ['1.2.840.113549.3.4', 'RC4'],
  ['1.3.14.3.2.7', 'DES-CBC'],
  ['1.2.3', 'the algorithm 1.2.3'],
  [`1.2${'.3'.repeat(100)}`, `the algorithm ${`1.2${'.3'.repeat(100)}`.slice(0, 100)}`],
])('%s is called %s', (number, name) => {
  expect(nameEncryption(number)).toBe(name);
  expect(encryptionOf(key(sequence(oid(number), nullValue())))).toBe(name);
  expect(encryptionOf(key(pbes2(number)))).toBe(name);
});

test('a key as OpenSSL encrypts it today is read', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'a' });
  expect(encryptionOf(der)).toBe('the algorithm 2.16.840.1.101.3.4.1.42');
});

test.each<[string, Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['another structure', sequence(octetString(Buffer.alloc(0)))],
  ['an algorithm without parameters', key(sequence(oid('1.2.840.113549.1.5.13')))],
  ['parameters without a cipher', key(sequence(oid('1.2.840.113549.1.5.13'), sequence(sequence())))],
])('of %s nothing is said', (_what, der) => {
  expect(encryptionOf(der)).toBeUndefined();
});
