import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { type PublicKeyKind, readKey, readPublicKeyKind } from '../../../src/x509/public-key.js';
import { ca } from '../../support/chain.js';
import { bitString, integer, nullValue, oid, sequence } from '../../support/der-writer.js';
import { failureOf } from './failure.js';

const subject = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' } as const;

function kindOf(spki: Buffer): PublicKeyKind {
  return readPublicKeyKind(new DerReader(spki, subject).enter(Tag.sequence));
}

function infoOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

const rsa = (modulusLength: number): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const curve = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

describe('kind and length of a key that node:crypto has made', () => {
  test.each<[string, KeyObject, PublicKeyKind]>([
    ['RSA, 1024 bits', rsa(1024), { algorithm: 'rsa', bits: 1024 }],
    ['RSA, 1031 bits', rsa(1031), { algorithm: 'rsa', bits: 1031 }],
    ['RSA, 2048 bits', rsa(2048), { algorithm: 'rsa', bits: 2048 }],
    [
      'RSA for PSS alone',
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
      { algorithm: 'rsa', bits: 2048 },
    ],
    ['P-192', curve('prime192v1'), { algorithm: 'ec', bits: 192 }],
    ['P-224', curve('secp224r1'), { algorithm: 'ec', bits: 224 }],
    ['P-256', curve('prime256v1'), { algorithm: 'ec', bits: 256 }],
    ['P-384', curve('secp384r1'), { algorithm: 'ec', bits: 384 }],
    ['P-521', curve('secp521r1'), { algorithm: 'ec', bits: 521 }],
    ['secp256k1', curve('secp256k1'), { algorithm: 'ec', bits: 256 }],
    ['brainpoolP256r1', curve('brainpoolP256r1'), { algorithm: 'ec', bits: 256 }],
    ['brainpoolP384r1', curve('brainpoolP384r1'), { algorithm: 'ec', bits: 384 }],
    ['brainpoolP512r1', curve('brainpoolP512r1'), { algorithm: 'ec', bits: 512 }],
    ['a curve that is not known here', curve('secp112r1'), { algorithm: 'ec', bits: undefined }],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey, { algorithm: 'ed25519', bits: 255 }],
    ['Ed448', generateKeyPairSync('ed448').privateKey, { algorithm: 'ed448', bits: 448 }],
    [
      'X25519, which signs nothing',
      generateKeyPairSync('x25519').privateKey,
      { algorithm: '1.3.101.110', bits: undefined },
    ],
    [
      'DSA',
      generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey,
      { algorithm: '1.2.840.10040.4.1', bits: undefined },
    ],
  ])('%s', (_name, key, expected) => {
    expect(kindOf(infoOf(key))).toEqual(expected);
  });

  test('stands on its certificate', () => {
    const client = parseCertificate(ca().client({ key: 'p384' }).der);
    expect(client.publicKeyKind).toEqual({ algorithm: 'ec', bits: 384 });
    expect(kindOf(client.publicKey)).toEqual(client.publicKeyKind);
  });
});

describe('a key that is not what it says', () => {
  const rsaInfo = (key: Buffer): Buffer =>
    sequence(sequence(oid('1.2.840.113549.1.1.1'), nullValue()), bitString(key));

  test('has no length where its modulus is zero', () => {
    expect(kindOf(rsaInfo(sequence(integer(0n), integer(3n))))).toEqual({ algorithm: 'rsa', bits: 0 });
  });

  test('of RSA without a modulus is no key', () => {
    expect(failureOf(() => kindOf(rsaInfo(Buffer.from([0x05, 0x00]))))).toMatchObject({
      code: 'ERR_MTLS_CERTIFICATE_INVALID',
    });
  });

  test('on a curve that is written out is of no known length', () => {
    const written = sequence(
      sequence(oid('1.2.840.10045.2.1'), sequence(integer(1n))),
      bitString(Buffer.of(4)),
    );
    expect(kindOf(written)).toEqual({ algorithm: 'ec', bits: undefined });
  });
});

describe('a key for verification', () => {
  test.each(['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1'])('of %s is the key of the DER', (name) => {
    const info = infoOf(curve(name));
    expect(readKey(info)?.equals(createPublicKey({ key: info, format: 'der', type: 'spki' }))).toBe(true);
  });

  test.each(['prime256v1', 'secp384r1'])('whose point is not on %s cannot be read', (name) => {
    const info = infoOf(curve(name));
    info[info.length - 1] = (info.at(-1) as number) ^ 1;
    expect(readKey(info)).toBeUndefined();
  });

  test.each(['prime256v1', 'secp384r1'])('of %s that lacks an octet cannot be read', (name) => {
    const info = infoOf(curve(name));
    expect(readKey(info.subarray(0, -1))).toBeUndefined();
  });
});
