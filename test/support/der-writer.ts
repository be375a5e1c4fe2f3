/**
 * Bytes out: DER (X.690) for test material. It checks nothing on purpose, so
 * that hostile certificates and CRLs can be written with it too.
 *
 * @module
 */

/** One element: `tag`, the length of `content` in its shortest form, `content`. */
export function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([header(tag, content.length), content]);
}

/** The tag and length that stand before a content of `length` bytes. */
export function header(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  const bytes = unsignedBytes(BigInt(length));
  return Buffer.from([tag, 0x80 | bytes.length, ...bytes]);
}

/** Elements one after the other, or bytes that stand as they are. */
export function raw(...parts: readonly (Buffer | readonly number[])[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return sequenceOf(parts);
}

/** A SEQUENCE of a list, which may be too long for an argument list. */
export function sequenceOf(parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  // One copy, not two: a part may be a CRL of 35 MB.
  return Buffer.concat([header(0x30, length), ...parts]);
}

/** A SET OF in DER's order: by the bytes of its elements (X.690 section 11.6). */
export function set(...parts: readonly Buffer[]): Buffer {
  return element(0x31, Buffer.concat([...parts].sort((left, right) => left.compare(right))));
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.from([value ? 0xff : 0x00]));
}

/** A number in its shortest two's complement, or a content that is taken as it is. */
export function integer(value: bigint | number | Buffer): Buffer {
  return element(0x02, Buffer.isBuffer(value) ? value : integerContent(BigInt(value)));
}

export function enumerated(value: number): Buffer {
  return element(0x0a, integerContent(BigInt(value)));
}

/** The shortest two's complement of `value`: the content of an INTEGER. */
export function integerContent(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length += 1;
  return Buffer.from(
    BigInt.asUintN(8 * length, value)
      .toString(16)
      .padStart(2 * length, '0'),
    'hex',
  );
}

export function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return element(0x03, raw([unusedBits], bytes));
}

/** A BIT STRING of named bits, without trailing zeros (X.690 section 11.2.2). */
export function namedBits(bits: readonly number[]): Buffer {
  if (bits.length === 0) return bitString(Buffer.alloc(0));
  const highest = Math.max(...bits);
  const bytes = Buffer.alloc((highest >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(bytes, 7 - (highest & 7));
}

export function octetString(bytes: Buffer): Buffer {
  return element(0x04, bytes);
}

export function nullValue(): Buffer {
  return element(0x05, Buffer.alloc(0));
}

/** An OBJECT IDENTIFIER from its dotted form, with arcs of any size. */
export function oid(dotted: string): Buffer {
  let bytes = oids.get(dotted);
  if (bytes === undefined) {
    const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
    bytes = element(0x06, Buffer.from([first * 40n + second, ...rest].flatMap(base128)));
    oids.set(dotted, bytes);
  }
  return Buffer.from(bytes);
}

const oids = new Map<string, Buffer>();

const stringTags = {
  utf8: 0x0c,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  universal: 0x1c,
  bmp: 0x1e,
} as const;

/** The string types that a name may hold (RFC 5280 section 4.1.2.4), and IA5String. */
export type StringType = keyof typeof stringTags;

/** A string of `type`; a Buffer is its content as it is, allowed in that type or not. */
export function text(type: StringType, value: string | Buffer): Buffer {
  return element(stringTags[type], Buffer.isBuffer(value) ? value : stringContent(type, value));
}

/** YYMMDDHHMMSSZ; a year outside 1950 to 2049 loses its century. A string is taken as it is. */
export function utcTime(value: Date | string): Buffer {
  return element(0x17, Buffer.from(typeof value === 'string' ? value : digits(value).slice(2), 'latin1'));
}

/** YYYYMMDDHHMMSSZ. A string is taken as it is. */
export function generalizedTime(value: Date | string): Buffer {
  return element(0x18, Buffer.from(typeof value === 'string' ? value : digits(value), 'latin1'));
}

/** How dates are written; `'auto'` is the law's way. */
export type TimeForm = 'auto' | 'utc' | 'generalized';

/** A Time: UTCTime through 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
export function time(value: Date, form: TimeForm = 'auto'): Buffer {
  const year = value.getUTCFullYear();
  const short = form === 'auto' ? year >= 1950 && year < 2050 : form === 'utc';
  return short ? utcTime(value) : generalizedTime(value);
}

/** `content` inside a context tag: `[n] EXPLICIT`. */
export function explicit(n: number, content: Buffer): Buffer {
  return element(0xa0 | n, content);
}

/** `inner` with its tag replaced: `[n] IMPLICIT`. */
export function implicit(n: number, inner: Buffer): Buffer {
  const constructed = (inner[0] ?? 0) & 0x20;
  return raw([0x80 | constructed | n], inner.subarray(1));
}

/** A PEM block of lines of 64 characters; in linear time, as CRLs may have 35 MB. */
export function pem(label: string, der: Buffer): string {
  const body = Buffer.from(der.toString('base64'), 'latin1');
  const lines = Math.ceil(body.length / 64);
  const out = Buffer.alloc(body.length + lines, '\n');
  for (let line = 0; line < lines; line += 1) body.copy(out, line * 65, line * 64, line * 64 + 64);
  return `-----BEGIN ${label}-----\n${out.toString('latin1')}-----END ${label}-----\n`;
}

function stringContent(type: StringType, value: string): Buffer {
  switch (type) {
    case 'utf8':
      return Buffer.from(value, 'utf8');
    case 'bmp':
      return Buffer.from(value, 'utf16le').swap16();
    case 'universal':
      return raw(...Array.from(value, (character) => uint32(character.codePointAt(0) ?? 0)));
    default:
      return Buffer.from(value, 'latin1');
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function digits(date: Date): string {
  return date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
}

function unsignedBytes(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

function base128(arc: bigint): number[] {
  const bytes = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn) | 0x80);
  return bytes;
}
