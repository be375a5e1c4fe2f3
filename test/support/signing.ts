/**
 * Keys and signatures for test material, weak ones included.
 *
 * @module
 */
import { constants, createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bitString, explicit, integer, nullValue, oid, sequence } from './der-writer.js';

export type KeyType = 'p256' | 'p384' | 'p521' | 'rsa2048' | 'rsa1024' | 'ed25519' | 'ed448';

/** How a certificate or a CRL is signed. */
export interface SigningOptions {
  /** Not used by Ed25519 and Ed448. `'md5'` is for RSA alone. @defaultValue `'sha256'` */
  readonly hash?: 'sha256' | 'sha384' | 'sha512' | 'sha1' | 'md5';
  /** Signs with RSASSA-PSS; the signer's key must be RSA. @defaultValue `false` */
  readonly pss?: boolean;
  /** Signs with this private key in place of the issuer's: a forgery. */
  readonly signWith?: KeyObject;
}

/** A fresh private key. */
export function generateKey(type: KeyType = 'p256'): KeyObject {
  switch (type) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    case 'p521':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
    case 'rsa2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    case 'rsa1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'ed448':
      return generateKeyPairSync('ed448').privateKey;
  }
}

// To derive and to write a public key takes OpenSSL longer than to sign.
const publicKeyInfos = new WeakMap<KeyObject, Buffer>();

/** The SubjectPublicKeyInfo that belongs to `privateKey`. */
export function publicKeyInfo(privateKey: KeyObject): Buffer {
  let info = publicKeyInfos.get(privateKey);
  if (info === undefined) {
    info = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    publicKeyInfos.set(privateKey, info);
  }
  return Buffer.from(info);
}

/** 20 bytes that name the key (RFC 7093 section 2, method 4). */
export function keyIdentifier(privateKey: KeyObject): Buffer {
  return createHash('sha256').update(publicKeyInfo(privateKey)).digest().subarray(0, 20);
}

/** Something that signs: its AlgorithmIdentifier, and what it makes of the bytes to be signed. */
export interface Signer {
  readonly algorithm: Buffer;
  /** SEQUENCE { tbs, algorithm, signature }: a Certificate or a CertificateList. */
  signed(tbs: Buffer): Buffer;
}

/** The signer that `options` ask for, by default with the issuer's `key`. */
export function createSigner(key: KeyObject, options: SigningOptions): Signer {
  const privateKey = options.signWith ?? key;
  const hash = options.hash ?? 'sha256';
  const algorithm = signatureAlgorithm(privateKey, hash, options.pss ?? false);
  const digest = privateKey.asymmetricKeyType?.startsWith('ed') === true ? null : hash;
  const padding = options.pss === true ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const input =
    privateKey.asymmetricKeyType === 'rsa'
      ? { key: privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : { key: privateKey };
  return {
    algorithm,
    signed: (tbs) => sequence(tbs, algorithm, bitString(sign(digest, tbs, input))),
  };
}

type Hash = NonNullable<SigningOptions['hash']>;

const signatureOids: Record<'rsa' | 'ec', Partial<Record<Hash, string>>> = {
  rsa: {
    md5: '1.2.840.113549.1.1.4',
    sha1: '1.2.840.113549.1.1.5',
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha512: '1.2.840.113549.1.1.13',
  },
  ec: {
    sha1: '1.2.840.10045.4.1',
    sha256: '1.2.840.10045.4.3.2',
    sha384: '1.2.840.10045.4.3.3',
    sha512: '1.2.840.10045.4.3.4',
  },
};

function signatureAlgorithm(key: KeyObject, hash: Hash, pss: boolean): Buffer {
  const type = key.asymmetricKeyType;
  if (pss && type !== 'rsa') throw new Error(`pss needs an RSA key to sign with, not ${String(type)}`);
  if (pss) return sequence(oid('1.2.840.113549.1.1.10'), pssParameters(hash));
  if (type === 'ed25519') return sequence(oid('1.3.101.112'));
  if (type === 'ed448') return sequence(oid('1.3.101.113'));
  if (type !== 'rsa' && type !== 'ec') throw new Error(`cannot sign with a key of type ${String(type)}`);
  const identifier = signatureOids[type][hash];
  if (identifier === undefined) throw new Error(`no signature algorithm joins ${type} and ${hash}`);
  return type === 'rsa' ? sequence(oid(identifier), nullValue()) : sequence(oid(identifier));
}

const hashes: Partial<Record<Hash, readonly [string, number]>> = {
  sha256: ['2.16.840.1.101.3.4.2.1', 32],
  sha384: ['2.16.840.1.101.3.4.2.2', 48],
  sha512: ['2.16.840.1.101.3.4.2.3', 64],
};

function pssParameters(hash: Hash): Buffer {
  // SHA-1 and a salt of 20 bytes are the defaults, which DER leaves out (RFC 4055 section 3.1).
  if (hash === 'sha1') return sequence();
  const [identifier, saltLength] = hashes[hash] ?? [];
  if (identifier === undefined || saltLength === undefined)
    throw new Error(`no RSASSA-PSS with ${hash} here`);
  const algorithm = sequence(oid(identifier), nullValue());
  return sequence(
    explicit(0, algorithm),
    explicit(1, sequence(oid('1.2.840.113549.1.1.8'), algorithm)),
    explicit(2, integer(saltLength)),
  );
}
