/**
 * A forward reader of DER (X.690). It reads in place: no tree, no recursion, no copy. Anything that is not DER throws
 * with the offset.
 *
 * @module
 */
import { type ErrorCode, MtlsError } from '../errors.js';
import { findCommonOid } from './common-oids.js';

/** The tags that certificates and CRLs use; `context(n)` makes the others. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag `[number]`: `constructed` if it contains other elements, as every EXPLICIT tag does. */
export function context(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

// RFC 2578 section 3.5: 128 numbers of 32 bits, which take 640 octets, plus room for a UUID.
const longestOid = 1024;

/** What is being read, for errors. */
export interface DerSubject {
  readonly code: ErrorCode;
  /** `'certificate'`, `'CRL'`. */
  readonly noun: string;
  /** The field at an offset: `'the extension basicConstraints (2.5.29.19)'`. */
  readonly placeOf?: (bytes: Buffer, offset: number) => string | undefined;
  /** The remedy for times with an offset from UTC, with the software that is known to write them. */
  readonly offsetRemedy?: string;
  /** The maximum number of elements, which bounds the work that untrusted bytes can cause. By default unlimited. */
  readonly budget?: ElementBudget | undefined;
}

/** The remaining number of elements. */
export interface ElementBudget {
  left: number;
}

/**
 * Reads the elements between two offsets in order. `next()` allocates nothing: it sets `contentStart` and
 * `contentEnd`.
 */
export class DerReader {
  readonly bytes: Buffer;
  readonly subject: DerSubject;
  /** The start of the next element. */
  offset: number;
  /** The end of this reader. */
  limit: number;
  /** The tag and the position of the current element: header, content, end. */
  tag = 0;
  elementStart = 0;
  contentStart = 0;
  contentEnd = 0;

  constructor(bytes: Buffer, subject: DerSubject, offset = 0, limit: number = bytes.length) {
    this.bytes = bytes;
    this.subject = subject;
    this.offset = offset;
    this.limit = limit;
  }

  /** Restarts between other offsets, so that a loop needs only one reader. */
  reset(offset: number, limit: number): void {
    this.offset = offset;
    this.limit = limit;
  }

  /** Whether all elements have been read. */
  get done(): boolean {
    return this.offset >= this.limit;
  }

  /** Whether the next element has this tag. */
  at(tag: number): boolean {
    return this.offset < this.limit && this.bytes[this.offset] === tag;
  }

  /** Reads the next element, which must have the given tag, if any. */
  next(tag?: number): this {
    const { bytes, limit } = this;
    const { budget } = this.subject;
    const start = this.offset;
    if (start + 2 > limit) this.fail('ends where an element was expected', start);
    if (budget !== undefined && --budget.left < 0) this.fail('has too many elements', start);
    const seen = bytes[start] as number;
    if (tag !== undefined && seen !== tag) {
      this.fail(`has tag 0x${seen.toString(16)} where 0x${tag.toString(16)} was expected`, start);
    }
    if ((seen & 0x1f) === 0x1f) this.fail('has a tag number above 30', start);
    let length = bytes[start + 1] as number;
    let content = start + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      // X.690 section 10.1: definite and shortest. Four octets reach 4 GiB, the limit here.
      if (octets === 0 || octets > 4) this.fail('has an indefinite or oversized length', start);
      if (content + octets > limit) this.fail('ends within a length', start);
      length = 0;
      for (let index = 0; index < octets; index++) length = length * 256 + (bytes[content + index] as number);
      content += octets;
      if (length < 0x80 || length < 2 ** (8 * (octets - 1)))
        this.fail('has a length that is not in the shortest form', start);
    }
    if (length > limit - content)
      this.fail(`has an element of ${length} bytes with ${limit - content} left`, start);
    this.tag = seen;
    this.elementStart = start;
    this.contentStart = content;
    this.contentEnd = content + length;
    this.offset = this.contentEnd;
    return this;
  }

  /** Reads the next element and returns a reader of its content. */
  enter(tag: number): DerReader {
    return this.next(tag).inside();
  }

  /** Returns a reader of the content of the current element. */
  inside(): DerReader {
    return new DerReader(this.bytes, this.subject, this.contentStart, this.contentEnd);
  }

  /** {@link DerReader.enter} if the next element has this tag. */
  enterOptional(tag: number): DerReader | undefined {
    return this.at(tag) ? this.enter(tag) : undefined;
  }

  /** Throws if anything is left. */
  finish(): void {
    if (this.offset < this.limit) this.fail(`has ${this.limit - this.offset} bytes too many`, this.offset);
  }

  /** The content of the current element: a view, not a copy. */
  get content(): Buffer {
    return this.bytes.subarray(this.contentStart, this.contentEnd);
  }

  /** The current element including its header: a view, not a copy. */
  get element(): Buffer {
    return this.bytes.subarray(this.elementStart, this.contentEnd);
  }

  /** Reads an INTEGER, which must have the shortest form (X.690 section 8.3.2), and sets its position. */
  nextInteger(tag: number = Tag.integer): this {
    this.next(tag);
    const { bytes, contentStart: start } = this;
    if (this.contentEnd === start) this.fail('has an empty INTEGER', this.elementStart);
    if (this.contentEnd - start > 1) {
      const first = bytes[start] as number;
      const sign = (bytes[start + 1] as number) & 0x80;
      if ((first === 0 && sign === 0) || (first === 0xff && sign !== 0)) {
        this.fail('has an INTEGER that is not in the shortest form', this.elementStart);
      }
    }
    return this;
  }

  /** Reads an INTEGER from 0 to 2^31-1. */
  smallInteger(tag: number = Tag.integer): number {
    this.nextInteger(tag);
    const length = this.contentEnd - this.contentStart;
    const first = this.bytes[this.contentStart] as number;
    if (first >= 0x80 || length > 4) this.fail('has an INTEGER out of range', this.elementStart);
    return this.bytes.readUIntBE(this.contentStart, length);
  }

  /** Reads a BOOLEAN. X.690 section 11.1: true is 0xff. */
  boolean(tag: number = Tag.boolean): boolean {
    this.next(tag);
    const value = this.bytes[this.contentStart];
    if (this.contentEnd - this.contentStart !== 1 || (value !== 0 && value !== 0xff)) {
      const seen = this.bytes.toString(
        'hex',
        this.contentStart,
        Math.min(this.contentEnd, this.contentStart + 4),
      );
      const wanted = 'where DER writes 00 for false and ff for true (X.690 section 11.1)';
      this.fail(`has a BOOLEAN of "${seen}", ${wanted}`, this.elementStart);
    }
    return value === 0xff;
  }

  /** Reads an OBJECT IDENTIFIER into dotted decimals. */
  oid(): string {
    this.next(Tag.oid);
    return this.decodeOid();
  }

  /** The content of the current element as an OBJECT IDENTIFIER, for an IMPLICIT tag. */
  decodeOid(): string {
    const { bytes, contentStart, contentEnd } = this;
    if (contentEnd === contentStart || ((bytes[contentEnd - 1] as number) & 0x80) !== 0) {
      this.fail('has an unfinished OBJECT IDENTIFIER', this.elementStart);
    }
    if (contentEnd - contentStart > longestOid) {
      const length = contentEnd - contentStart;
      this.fail(`has an OBJECT IDENTIFIER of ${length} bytes`, this.elementStart);
    }
    return findCommonOid(bytes, contentStart, contentEnd) ?? this.#decodeArcs();
  }

  #decodeArcs(): string {
    const { bytes, contentStart, contentEnd } = this;
    const arcs: (number | bigint)[] = [];
    let arc: number | bigint = 0;
    for (let index = contentStart; index < contentEnd; index++) {
      const octet = bytes[index] as number;
      if (arc === 0 && octet === 0x80)
        this.fail('has an OBJECT IDENTIFIER that is not in the shortest form', index);
      // Arcs that are UUIDs have 128 bits (X.667).
      if (typeof arc === 'number' && arc >= 2 ** 45) arc = BigInt(arc);
      arc = typeof arc === 'number' ? arc * 128 + (octet & 0x7f) : arc * 128n + BigInt(octet & 0x7f);
      if ((octet & 0x80) !== 0) continue;
      arcs.push(arc);
      arc = 0;
    }
    // X.690 section 8.19.4: the first two arcs share the first number.
    const first = arcs[0] as number | bigint;
    const root = first < 80 ? Math.floor(Number(first) / 40) : 2;
    const second = typeof first === 'number' ? first - root * 40 : first - BigInt(root * 40);
    return [root, second, ...arcs.slice(1)].join('.');
  }

  /** Reads a BIT STRING of whole octets and returns them. */
  bitStringOctets(): Buffer {
    this.next(Tag.bitString);
    if (this.contentEnd === this.contentStart || this.bytes[this.contentStart] !== 0) {
      this.fail('has a BIT STRING that is not of whole octets', this.elementStart);
    }
    return this.bytes.subarray(this.contentStart + 1, this.contentEnd);
  }

  /** Reads a BIT STRING of named bits: bit n of the result is the string's bit n. At most 16 bits. */
  namedBits(tag: number = Tag.bitString): number {
    this.next(tag);
    const { bytes, contentStart, contentEnd } = this;
    const length = contentEnd - contentStart;
    const unused = bytes[contentStart] ?? 8;
    if (length === 0 || unused > 7 || length > 3 || (length === 1 && unused !== 0)) {
      this.fail('has a malformed BIT STRING of flags', this.elementStart);
    }
    let bits = 0;
    for (let index = 0; index < (length - 1) * 8 - unused; index++) {
      const octet = bytes[contentStart + 1 + (index >> 3)] as number;
      if ((octet & (0x80 >> (index & 7))) !== 0) bits |= 1 << index;
    }
    return bits;
  }

  /**
   * Throws the error of this reader's subject with the offset and, if it can be determined, the field.
   * @param remedy - By default, to get it again.
   */
  fail(what: string, offset: number, remedy?: string): never {
    const { code, noun } = this.subject;
    const place = this.#placeOf(offset);
    const getAgain =
      place === ''
        ? `it is damaged or not a DER-encoded ${noun}`
        : `the ${noun} is damaged, or its CA violates DER: fetch it again, or have it reissued`;
    throw new MtlsError(code, {
      seen: `${noun} ${what}, at byte ${offset}${place}`,
      remedy: remedy ?? getAgain,
    });
  }

  #placeOf(offset: number): string {
    const { bytes, limit, subject } = this;
    // A missing element has no field of its own. It would follow the current element.
    const isBehind = offset >= limit && this.contentEnd === limit;
    const place = subject.placeOf?.(bytes, isBehind ? this.elementStart : Math.min(offset, limit - 1));
    return place === undefined ? '' : `, ${isBehind ? 'behind' : 'in'} ${place}`;
  }
}
