/**
 * The signatures of certificates and CRLs: their algorithms and their verification.
 *
 * @module
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import { context, type DerReader, Tag } from './der.js';

/** An AlgorithmIdentifier, parsed as far as {@link verifySignature} needs. */
export interface SignatureAlgorithm {
  /** The object identifier, dotted. */
  readonly oid: string;
  /** The DER of the AlgorithmIdentifier. The one inside the signed part must equal the one outside. */
  readonly der: Buffer;
  /** `undefined` for an unknown algorithm, with which no signature verifies. */
  readonly scheme: SignatureScheme | undefined;
}

/** How a signature is made. `hash` is the digest's name in node:crypto; `undefined` for EdDSA. */
export interface SignatureScheme {
  readonly keyType: 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448';
  readonly hash: 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512' | undefined;
  /** Bytes; RSA-PSS only. */
  readonly saltLength: number | undefined;
}

const hashes: Readonly<Record<string, SignatureScheme['hash']>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
};

const schemes: Readonly<Record<string, SignatureScheme>> = {
  '1.2.840.113549.1.1.4': scheme('rsa', 'md5'),
  '1.2.840.113549.1.1.5': scheme('rsa', 'sha1'),
  '1.2.840.113549.1.1.14': scheme('rsa', 'sha224'),
  '1.2.840.113549.1.1.11': scheme('rsa', 'sha256'),
  '1.2.840.113549.1.1.12': scheme('rsa', 'sha384'),
  '1.2.840.113549.1.1.13': scheme('rsa', 'sha512'),
  '1.2.840.10045.4.1': scheme('ec', 'sha1'),
  '1.2.840.10045.4.3.1': scheme('ec', 'sha224'),
  '1.2.840.10045.4.3.2': scheme('ec', 'sha256'),
  '1.2.840.10045.4.3.3': scheme('ec', 'sha384'),
  '1.2.840.10045.4.3.4': scheme('ec', 'sha512'),
  '1.3.101.112': scheme('ed25519', undefined),
  '1.3.101.113': scheme('ed448', undefined),
};

function scheme(keyType: SignatureScheme['keyType'], hash: SignatureScheme['hash']): SignatureScheme {
  return { keyType, hash, saltLength: undefined };
}

/** Reads an AlgorithmIdentifier. */
export function readAlgorithm(reader: DerReader): SignatureAlgorithm {
  const sequence = reader.enter(Tag.sequence);
  const der = reader.element;
  const oid = sequence.oid();
  if (oid === '1.2.840.113549.1.1.10') return { oid, der, scheme: readPss(sequence) };
  return { oid, der, scheme: Object.hasOwn(schemes, oid) ? schemes[oid] : undefined };
}

// RFC 4055 section 3.1: the defaults are SHA-1, MGF1 with SHA-1, and 20.
function readPss(sequence: DerReader): SignatureScheme | undefined {
  const parameters = sequence.enterOptional(Tag.sequence);
  if (parameters === undefined) return undefined;
  const hash = readHash(parameters.enterOptional(context(0, 'constructed'))?.enter(Tag.sequence));
  const mask = parameters.enterOptional(context(1, 'constructed'))?.enter(Tag.sequence);
  if (mask !== undefined && mask.oid() !== '1.2.840.113549.1.1.8') return undefined;
  const maskHash = readHash(mask?.enter(Tag.sequence));
  const saltLength = parameters.enterOptional(context(2, 'constructed'))?.smallInteger() ?? 20;
  // node:crypto uses the same digest for hashing and MGF1.
  return hash === maskHash && hash !== undefined ? { keyType: 'rsa-pss', hash, saltLength } : undefined;
}

function readHash(algorithm: DerReader | undefined): SignatureScheme['hash'] {
  return algorithm === undefined ? 'sha1' : hashes[algorithm.oid()];
}

/** The parts of a certificate or a CRL that {@link verifySignature} needs. */
export interface Signed {
  readonly bytes: Buffer;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Buffer;
}

/** Whether `key` made the signature; `false` if the algorithm is unknown or does not fit the key. Never throws. */
export function verifySignature({ bytes, algorithm, signature }: Signed, key: KeyObject): boolean {
  const { scheme: how } = algorithm;
  if (how === undefined || !fits(how, key)) return false;
  try {
    return verify(
      how.hash,
      bytes,
      how.keyType === 'rsa-pss' ? { key, ...pssOptions(how.saltLength) } : key,
      signature,
    );
  } catch {
    return false;
  }
}

function fits({ keyType }: SignatureScheme, key: KeyObject): boolean {
  return key.asymmetricKeyType === keyType || (keyType === 'rsa-pss' && key.asymmetricKeyType === 'rsa');
}

function pssOptions(saltLength: number | undefined): { padding: number; saltLength: number } {
  return {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST,
  };
}
