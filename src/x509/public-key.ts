/**
 * The kind and the length of a public key, to refuse short ones. OpenSSL checks whether the key is valid.
 *
 * @module
 */
import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { DerReader, Tag } from './der.js';

/** A key's kind and length. */
export interface PublicKeyKind {
  /** `'rsa'`, `'ec'`, `'ed25519'`, `'ed448'`, or the object identifier of an unknown kind. */
  readonly algorithm: string;
  /** The length of the modulus, or of the field of the curve; `undefined` if it is unknown. */
  readonly bits: number | undefined;
}

const fixed: Readonly<Record<string, PublicKeyKind>> = {
  '1.3.101.112': { algorithm: 'ed25519', bits: 255 },
  '1.3.101.113': { algorithm: 'ed448', bits: 448 },
};

// RFC 3279 section 2.3.1, RFC 4055 section 1.2.
const rsa = new Set(['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10']);
const ec = '1.2.840.10045.2.1';

// RFC 5480 section 2.1.1.1, RFC 5639 section 4.1, SEC 2 section 2.4.1.
const curveBits: Readonly<Record<string, number>> = {
  '1.2.840.10045.3.1.1': 192,
  '1.3.132.0.33': 224,
  '1.2.840.10045.3.1.7': 256,
  '1.3.132.0.10': 256,
  '1.3.132.0.34': 384,
  '1.3.132.0.35': 521,
  '1.3.36.3.3.2.8.1.1.7': 256,
  '1.3.36.3.3.2.8.1.1.11': 384,
  '1.3.36.3.3.2.8.1.1.13': 512,
};

/** Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
export function readPublicKeyKind(info: DerReader): PublicKeyKind {
  const algorithm = info.enter(Tag.sequence);
  const oid = algorithm.oid();
  if (rsa.has(oid)) return { algorithm: 'rsa', bits: modulusBits(info) };
  if (oid === ec) {
    const curve = algorithm.at(Tag.oid) ? algorithm.oid() : '';
    return { algorithm: 'ec', bits: Object.hasOwn(curveBits, curve) ? curveBits[curve] : undefined };
  }
  return Object.hasOwn(fixed, oid) ? (fixed[oid] as PublicKeyKind) : { algorithm: oid, bits: undefined };
}

function modulusBits(info: DerReader): number {
  info.bitStringOctets();
  // After the octet with the number of unused bits.
  const key = new DerReader(info.bytes, info.subject, info.contentStart + 1, info.contentEnd);
  const modulus = key.enter(Tag.sequence).nextInteger().content;
  // A leading zero octet, which DER adds if the highest bit is set, does not count.
  return modulus.length * 8 + 24 - Math.clz32(modulus[0] as number);
}

// The maker of a key determines its cost: verifying with 16,384 bits and a long exponent takes ten milliseconds.
const maxModulusBits = 8192;
const maxExponent = 2n ** 32n;

/** Reads a key for verification; `undefined` if it cannot be read or would be too expensive. */
export function readKey(publicKey: Buffer): KeyObject | undefined {
  try {
    const point = readPoint(publicKey);
    if (point !== undefined) return createPublicKey(point);
    const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
    const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
    return modulusLength <= maxModulusBits && publicExponent <= maxExponent ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The curves whose keys are read faster from their coordinates, with what precedes the point in DER. */
const curves = [
  { crv: 'P-256', octets: 32, prefix: '3059301306072a8648ce3d020106082a8648ce3d03010703420004' },
  { crv: 'P-384', octets: 48, prefix: '3076301006072a8648ce3d020106052b8104002203620004' },
].map(({ prefix, ...curve }) => ({ ...curve, prefix: Buffer.from(prefix, 'hex') }));

/**
 * The coordinates of an uncompressed point, as a JSON Web Key. OpenSSL reads them in half the time of a
 * SubjectPublicKeyInfo, and checks in both cases that the point is on the curve.
 */
function readPoint(publicKey: Buffer): JsonWebKeyInput | undefined {
  const curve = curves.find(
    ({ prefix, octets }) =>
      publicKey.length === prefix.length + 2 * octets && publicKey.subarray(0, prefix.length).equals(prefix),
  );
  if (curve === undefined) return undefined;
  const { crv, octets, prefix } = curve;
  const [x, y] = [0, octets].map((start) =>
    publicKey.toString('base64url', prefix.length + start, prefix.length + start + octets),
  ) as [string, string];
  return { key: { kty: 'EC', crv, x, y }, format: 'jwk' };
}
