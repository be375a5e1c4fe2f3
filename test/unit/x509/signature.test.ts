import { constants, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { DerReader } from '../../../src/x509/der.js';
import {
  readAlgorithm,
  type SignatureAlgorithm,
  type Signed,
  verifySignature,
} from '../../../src/x509/signature.js';
import { ca } from '../../support/chain.js';
import { element, explicit, integer, nullValue, oid, sequence } from '../../support/der-writer.js';
import { generateKey } from '../../support/signing.js';
import type { KeyType, SigningOptions } from '../../support/signing.js';
import { failureOf } from './failure.js';

const keys = Object.fromEntries(
  (['p256', 'p384', 'p521', 'rsa2048', 'ed25519', 'ed448'] as const).map((type) => [type, generateKey(type)]),
) as Record<Exclude<KeyType, 'rsa1024'>, KeyObject>;
const publicKeys = Object.fromEntries(
  Object.entries(keys).map(([type, key]) => [type, createPublicKey(key)]),
) as typeof keys;
const algorithmOf = (der: Buffer): SignatureAlgorithm =>
  readAlgorithm(new DerReader(der, { code: 'ERR_MTLS_CRL_INVALID', noun: 'CRL' }));

const cases: [name: string, key: keyof typeof keys, options: SigningOptions][] = [
  ['RSA with SHA-256', 'rsa2048', { hash: 'sha256' }],
  ['RSA with SHA-384', 'rsa2048', { hash: 'sha384' }],
  ['RSA with SHA-512', 'rsa2048', { hash: 'sha512' }],
  ['RSA with SHA-1', 'rsa2048', { hash: 'sha1' }],
  ['RSA-PSS with SHA-256', 'rsa2048', { hash: 'sha256', pss: true }],
  ['RSA-PSS with SHA-384', 'rsa2048', { hash: 'sha384', pss: true }],
  ['RSA-PSS with SHA-512', 'rsa2048', { hash: 'sha512', pss: true }],
  ['RSA-PSS with the defaults of RFC 4055', 'rsa2048', { hash: 'sha1', pss: true }],
  ['ECDSA P-256 with SHA-256', 'p256', { hash: 'sha256' }],
  ['ECDSA P-256 with SHA-512', 'p256', { hash: 'sha512' }],
  ['ECDSA P-384 with SHA-384', 'p384', { hash: 'sha384' }],
  ['ECDSA P-521 with SHA-512', 'p521', { hash: 'sha512' }],
  ['Ed25519', 'ed25519', {}],
  ['Ed448', 'ed448', {}],
];

describe.each(cases)('%s', (_name, type, options) => {
  const issuer = ca({ privateKey: keys[type], ...options });
  const { signed } = parseCrl(issuer.crl({ revoked: [issuer], ...options }).der);

  test('verifies certificates and CRLs with the key that signed them', () => {
    expect(verifySignature(signed, publicKeys[type])).toBe(true);
    expect(verifySignature(parseCertificate(issuer.der).signed, publicKeys[type])).toBe(true);
  });

  test('does not verify once any bit has been flipped, in what is signed or in the signature', () => {
    const flip = (bytes: Buffer, bit: number): Buffer => {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return flipped;
    };
    const bits = fc.record({
      inBytes: fc.integer({ min: 0, max: signed.bytes.length * 8 - 1 }),
      inSignature: fc.integer({ min: 0, max: signed.signature.length * 8 - 1 }),
    });
    fc.assert(
      fc.property(bits, ({ inBytes, inSignature }) => {
        const key = publicKeys[type];
        expect(verifySignature({ ...signed, bytes: flip(signed.bytes, inBytes) }, key)).toBe(false);
        expect(verifySignature({ ...signed, signature: flip(signed.signature, inSignature) }, key)).toBe(
          false,
        );
      }),
      { numRuns: 20 },
    );
  });

  test('does not verify with any other key, of this type or another', () => {
    const others = Object.entries(publicKeys).filter(([other]) => other !== type);
    for (const [, key] of others) expect(verifySignature(signed, key)).toBe(false);
    expect(verifySignature(signed, createPublicKey(generateKey(type === 'rsa2048' ? 'rsa1024' : type)))).toBe(
      false,
    );
  });

  test.each([0, 1, 1000])('does not verify a signature of %i bytes', (length) => {
    expect(verifySignature({ ...signed, signature: Buffer.alloc(length) }, publicKeys[type])).toBe(false);
  });
});

describe('what the algorithm says is what is verified', () => {
  const bytes = Buffer.from('to be signed');
  const named = (dotted: string, ...parameters: Buffer[]): Buffer => sequence(oid(dotted), ...parameters);
  const signedBy = (algorithm: Buffer, signature: Buffer): Signed => ({
    bytes,
    algorithm: algorithmOf(algorithm),
    signature,
  });

  test.each([
    ['an unknown one', named('1.2.3.4')],
    ['DSA', named('1.2.840.10040.4.3')],
    ['MD2 with RSA', named('1.2.840.113549.1.1.2')],
    ['RSA encryption, which is no signature', named('1.2.840.113549.1.1.1')],
  ])('%s has no scheme, and nothing verifies', (_name, der) => {
    const algorithm = algorithmOf(der);
    expect(algorithm.scheme).toBeUndefined();
    expect(algorithm.der).toEqual(der);
    const signature = sign('sha256', bytes, keys.rsa2048);
    for (const key of Object.values(publicKeys))
      expect(verifySignature(signedBy(der, signature), key)).toBe(false);
  });

  test('a good signature under the name of another hash does not verify', () => {
    const signature = sign('sha256', bytes, keys.rsa2048);
    expect(
      verifySignature(signedBy(named('1.2.840.113549.1.1.11', nullValue()), signature), publicKeys.rsa2048),
    ).toBe(true);
    expect(
      verifySignature(signedBy(named('1.2.840.113549.1.1.12', nullValue()), signature), publicKeys.rsa2048),
    ).toBe(false);
  });

  const sha256 = named('2.16.840.1.101.3.4.2.1', nullValue());
  const sha384 = named('2.16.840.1.101.3.4.2.2', nullValue());
  const mgf1 = (hash: Buffer): Buffer => named('1.2.840.113549.1.1.8', hash);
  const pss = (...parameters: Buffer[]): Buffer => named('1.2.840.113549.1.1.10', ...parameters);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const pssSignature = sign('sha256', bytes, { key: keys.rsa2048, padding, saltLength: 20 });

  test('RSA-PSS has its own salt length, by default 20', () => {
    const noSalt = pss(sequence(explicit(0, sha256), explicit(1, mgf1(sha256))));
    const salt32 = pss(sequence(explicit(0, sha256), explicit(1, mgf1(sha256)), explicit(2, integer(32))));
    expect(algorithmOf(noSalt).scheme).toEqual({ keyType: 'rsa-pss', hash: 'sha256', saltLength: 20 });
    expect(verifySignature(signedBy(noSalt, pssSignature), publicKeys.rsa2048)).toBe(true);
    expect(verifySignature(signedBy(salt32, pssSignature), publicKeys.rsa2048)).toBe(false);
  });

  test.each([
    ['no parameters', pss()],
    ['NULL for parameters', pss(nullValue())],
    ['one hash to sign and another to mask', pss(sequence(explicit(0, sha256), explicit(1, mgf1(sha384))))],
    ['one hash to sign and the default to mask', pss(sequence(explicit(0, sha256)))],
    ['a mask other than MGF1', pss(sequence(explicit(0, sha256), explicit(1, named('1.2.3', sha256))))],
    ['an unknown hash', pss(sequence(explicit(0, named('1.2.3')), explicit(1, mgf1(named('1.2.3')))))],
  ])('RSA-PSS with %s has no scheme', (_name, der) => {
    expect(algorithmOf(der).scheme).toBeUndefined();
    expect(verifySignature(signedBy(der, pssSignature), publicKeys.rsa2048)).toBe(false);
  });

  test('a salt longer than the key is false, not an error', () => {
    const long = pss(
      sequence(explicit(0, sha256), explicit(1, mgf1(sha256)), explicit(2, integer(2 ** 31 - 1))),
    );
    expect(verifySignature(signedBy(long, pssSignature), publicKeys.rsa2048)).toBe(false);
  });

  test('a key for RSA-PSS only verifies RSA-PSS', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    const signature = sign('sha256', bytes, { key: privateKey, padding, saltLength: 20 });
    const algorithm = pss(sequence(explicit(0, sha256), explicit(1, mgf1(sha256))));
    expect(verifySignature(signedBy(algorithm, signature), publicKey)).toBe(true);
    expect(verifySignature(signedBy(named('1.2.840.113549.1.1.11', nullValue()), signature), publicKey)).toBe(
      false,
    );
  });

  test('a key for RSA-PSS with one hash is false for another, not an error', () => {
    const options = { modulusLength: 2048, hashAlgorithm: 'sha512', mgf1HashAlgorithm: 'sha512' };
    const { publicKey } = generateKeyPairSync('rsa-pss', options);
    const algorithm = pss(sequence(explicit(0, sha256), explicit(1, mgf1(sha256))));
    expect(() =>
      verify('sha256', bytes, { key: publicKey, padding, saltLength: 20 }, pssSignature),
    ).toThrow();
    expect(verifySignature(signedBy(algorithm, pssSignature), publicKey)).toBe(false);
  });

  test('a key that cannot sign verifies nothing', () => {
    const { publicKey } = generateKeyPairSync('x25519');
    expect(verifySignature(signedBy(named('1.3.101.112'), Buffer.alloc(64)), publicKey)).toBe(false);
  });

  test.each([
    ['no SEQUENCE', nullValue(), 'has tag 0x5 where 0x30 was expected, at byte 0'],
    ['an empty SEQUENCE', sequence(), 'ends where an element was expected, at byte 2'],
    [
      'RSA-PSS with a negative salt length',
      pss(sequence(explicit(2, integer(-1)))),
      'has an INTEGER out of range',
    ],
    [
      'RSA-PSS with an empty hash',
      pss(sequence(element(0xa0, Buffer.alloc(0)))),
      'ends where an element was expected',
    ],
  ])('%s is refused', (_name, der, message) => {
    const failure = failureOf(() => algorithmOf(der));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toContain(message);
  });
});

test.each<[string, SignatureAlgorithm['scheme'] | object]>([
  ['1.2.840.113549.1.1.4', { keyType: 'rsa', hash: 'md5' }],
  ['1.2.840.113549.1.1.5', { keyType: 'rsa', hash: 'sha1' }],
  ['1.2.840.113549.1.1.14', { keyType: 'rsa', hash: 'sha224' }],
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.1', { keyType: 'ec', hash: 'sha1' }],
  ['1.2.840.10045.4.3.1', { keyType: 'ec', hash: 'sha224' }],
  ['1.2.840.10045.4.3.2', { keyType: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }],
  ['1.3.101.112', { keyType: 'ed25519', hash: undefined }],
  ['1.3.101.113', { keyType: 'ed448', hash: undefined }],
])('the algorithm %s is %p', (type, expected) => {
  expect(algorithmOf(sequence(oid(type))).scheme).toEqual({ saltLength: undefined, ...expected });
});

test('RSA-PSS with SHA-224 is read, too', () => {
  const sha224 = sequence(oid('2.16.840.1.101.3.4.2.4'), nullValue());
  const mask = sequence(oid('1.2.840.113549.1.1.8'), sha224);
  const parameters = sequence(explicit(0, sha224), explicit(1, mask), explicit(2, integer(28)));
  expect(algorithmOf(sequence(oid('1.2.840.113549.1.1.10'), parameters)).scheme).toEqual({
    keyType: 'rsa-pss',
    hash: 'sha224',
    saltLength: 28,
  });
});
