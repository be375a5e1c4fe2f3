/**
 * Finds the key of an ECDSA signature among many keys: the signature and the signed bytes determine the key, up to two
 * possibilities (SEC 1 section 4.1.6). That costs as much as verifying a few signatures, however many keys there are.
 *
 * @module
 */
import { createECDH, createHash, ECDH } from 'node:crypto';
import { DerReader, Tag } from './der.js';
import { type Signed } from './signature.js';

interface Curve {
  /** Its name in node:crypto. */
  readonly name: string;
  readonly octets: number;
  /** The prime of the field and the order of the base point (SEC 2). */
  readonly p: bigint;
  readonly n: bigint;
  /** What precedes the point in a SubjectPublicKeyInfo. */
  readonly prefix: Buffer;
}

const curves: readonly Curve[] = [
  {
    name: 'prime256v1',
    octets: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    prefix: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
  },
  {
    name: 'secp384r1',
    octets: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    prefix: Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex'),
  },
  {
    name: 'secp521r1',
    octets: 66,
    p: 2n ** 521n - 1n,
    n: 2n ** 521n - 0x5ae79787c40d069948033feb708f65a2fc44a36477663b851449048e16ec79bf7n,
    prefix: Buffer.from('30819b301006072a8648ce3d020106052b810400230381860004', 'hex'),
  },
];

/**
 * Returns the keys that may have made a signature: first those that were found, then those that cannot be excluded,
 * because they are of another kind.
 * @param keys - SubjectPublicKeyInfo, DER.
 * @returns Candidates, not proof: verify the signature.
 */
export function possibleSigners(signed: Signed, keys: readonly Buffer[]): readonly Buffer[] {
  if (signed.algorithm.scheme?.keyType !== 'ec') return keys;
  const found: Buffer[] = [];
  const excluded = new Set<Buffer>();
  for (const curve of curves) {
    const ofCurve = keys.filter((key) => isOn(curve, key));
    const recovered = ofCurve.length === 0 ? undefined : recover(signed, curve);
    if (recovered === undefined) continue;
    for (const key of ofCurve) {
      excluded.add(key);
      if (recovered.includes(integerIn(key, curve.prefix.length, curve.octets))) found.push(key);
    }
  }
  return [...found, ...keys.filter((key) => !excluded.has(key))];
}

function isOn({ prefix, octets }: Curve, key: Buffer): boolean {
  return key.length === prefix.length + 2 * octets && key.subarray(0, prefix.length).equals(prefix);
}

/** The x-coordinates of the two keys under which the signature is valid; `undefined` if they cannot be determined. */
function recover(signed: Signed, curve: Curve): readonly bigint[] | undefined {
  const { name, octets, p, n } = curve;
  try {
    const { r, s } = readSignature(signed.signature);
    if (r >= n || s >= n) return [];
    // The x-coordinate of the point R is r, or r + n if that is in the field: one of 2^128 signatures on P-256.
    if (r < p - n) return undefined;
    const perR = inverse(r, n);
    // With s·R = e·G + r·Q, the key Q is s/r·R - e/r·G. Two points have the x-coordinate of R, so the sign of s/r·R is
    // unknown.
    const ecdh = createECDH(name);
    ecdh.setPrivateKey(octetsOf((s * perR) % n, octets));
    const product = ecdh.computeSecret(evenPoint(octetsOf(r, octets)));
    const [xOfR, yOfR] = coordinates(ECDH.convertKey(evenPoint(product), name) as Buffer, octets);
    ecdh.setPrivateKey(octetsOf((digestOf(signed, n) * perR) % n, octets));
    const [xOfG, yOfG] = coordinates(ecdh.getPublicKey(), octets);
    const perDistance = inverse(xOfR - xOfG, p);
    return [yOfR + yOfG, yOfR - yOfG].map((rise) => {
      const slope = rise * perDistance;
      return modulo(slope * slope - xOfR - xOfG, p);
    });
  } catch {
    // The numbers are no signature on this curve, or there is no ECDH in this runtime.
    return undefined;
  }
}

const subject = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'signature' } as const;

/** Reads an Ecdsa-Sig-Value (RFC 3279 section 2.2.3). */
function readSignature(signature: Buffer): { r: bigint; s: bigint } {
  const value = new DerReader(signature, subject).enter(Tag.sequence);
  const [r, s] = [value.nextInteger().content, value.nextInteger().content].map((octets) =>
    integerIn(octets, 0, octets.length),
  ) as [bigint, bigint];
  return { r, s };
}

/** The leftmost bits of the digest, as many as the order has. */
function digestOf({ bytes, algorithm }: Signed, n: bigint): bigint {
  const digest = createHash(algorithm.scheme?.hash ?? 'sha256')
    .update(bytes)
    .digest();
  const excess = Math.max(0, digest.length * 8 - n.toString(2).length);
  return integerIn(digest, 0, digest.length) >> BigInt(excess);
}

/** One of the two points with an x-coordinate, compressed (SEC 1 section 2.3.3). */
function evenPoint(x: Buffer): Buffer {
  return Buffer.concat([Buffer.of(2), x]);
}

function coordinates(point: Buffer, octets: number): [x: bigint, y: bigint] {
  return [integerIn(point, 1, octets), integerIn(point, 1 + octets, octets)];
}

function integerIn(bytes: Buffer, start: number, octets: number): bigint {
  return BigInt(`0x${bytes.toString('hex', start, start + octets)}`);
}

function octetsOf(value: bigint, octets: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * octets, '0'), 'hex');
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** The inverse of a number modulo a prime, by the extended Euclidean algorithm. */
function inverse(value: bigint, prime: bigint): bigint {
  let [high, low] = [prime, modulo(value, prime)];
  let [before, now] = [0n, 1n];
  if (low === 0n) throw new RangeError('zero has no inverse');
  while (low > 1n) {
    const quotient = high / low;
    [high, low] = [low, high - quotient * low];
    [before, now] = [now, before - quotient * now];
  }
  return modulo(now, prime);
}
