/**
 * DER (X.690) as far as CRLs and PKCS#12 files need it.
 *
 * @module
 */
import { Tag } from '../x509/der.js';

/** One element, its content made of these parts. */
export function encode(type: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(type), encodeLength(content.length), content]);
}

/** A non-negative INTEGER, in the fewest octets that leave the sign bit clear. */
export function encodeInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return octets.readUInt8(0) < 0x80 ? encode(Tag.integer, octets) : encode(Tag.integer, Buffer.of(0), octets);
}

/** An AlgorithmIdentifier: the content of its OBJECT IDENTIFIER, and its parameters, if any. */
export function encodeAlgorithm(oid: Buffer, ...parameters: readonly Buffer[]): Buffer {
  return encode(Tag.sequence, encode(Tag.oid, oid), ...parameters);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(length);
  const shortest = octets.subarray(octets.findIndex((octet) => octet !== 0));
  return Buffer.concat([Buffer.of(0x80 | shortest.length), shortest]);
}
