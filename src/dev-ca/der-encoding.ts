/**
 * DER (X.690) as far as CRLs and PKCS#12 files need it.
 *
 * @module
 */

/** The tags in use; `context(n)` makes the others. */
export const tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag `[number]`: `constructed` for what holds other elements, as every EXPLICIT tag does. */
export function context(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

/** One element, its content made of these parts. */
export function encode(type: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(type), encodeLength(content.length), content]);
}

/** A non-negative INTEGER, in the fewest octets that leave the sign bit clear. */
export function encodeInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return octets.readUInt8(0) < 0x80 ? encode(tag.integer, octets) : encode(tag.integer, Buffer.of(0), octets);
}

/** An AlgorithmIdentifier: the content of its OBJECT IDENTIFIER, and its parameters, if any. */
export function encodeAlgorithm(oid: Buffer, ...parameters: readonly Buffer[]): Buffer {
  return encode(tag.sequence, encode(tag.oid, oid), ...parameters);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(length);
  const shortest = octets.subarray(octets.findIndex((octet) => octet !== 0));
  return Buffer.concat([Buffer.of(0x80 | shortest.length), shortest]);
}
