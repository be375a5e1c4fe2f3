import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { context, DerReader, Tag } from '../../../src/x509/der.js';
import {
  boolean,
  element,
  integer,
  integerContent,
  namedBits,
  oid,
  sequence,
} from '../../support/der-writer.js';
import { failureOf } from './failure.js';

const subject = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' } as const;
const read = (bytes: Buffer | string): DerReader =>
  new DerReader(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes, subject);

describe('what is not DER is refused, and the message says where', () => {
  test.each<[name: string, hex: string, run: (reader: DerReader) => unknown, message: string]>([
    ['nothing at all', '', (r) => r.next(), 'ends where an element was expected, at byte 0;'],
    ['a tag without a length', '30', (r) => r.next(), 'ends where an element was expected, at byte 0;'],
    [
      'nothing after an element',
      '0500',
      (r) => r.next().next(),
      'ends where an element was expected, at byte 2;',
    ],
    ['another tag', '0500', (r) => r.next(Tag.sequence), 'has tag 0x5 where 0x30 was expected, at byte 0;'],
    [
      'another tag further on',
      '0500 0500',
      (r) => r.next().enter(Tag.set),
      'has tag 0x5 where 0x31 was expected, at byte 2;',
    ],
    ['a tag of several bytes', '1f0100', (r) => r.next(), 'has a tag number above 30, at byte 0;'],
    ['a context tag of several bytes', 'bf8100', (r) => r.next(), 'has a tag number above 30, at byte 0;'],
    [
      'an indefinite length',
      '3080 0000',
      (r) => r.next(),
      'has an indefinite or oversized length, at byte 0;',
    ],
    [
      'a length of five octets',
      '308500000000 01 00',
      (r) => r.next(),
      'has an indefinite or oversized length, at byte 0;',
    ],
    ['a length of 127 octets', '30ff', (r) => r.next(), 'has an indefinite or oversized length, at byte 0;'],
    ['a length that is cut off', '308201', (r) => r.next(), 'ends within a length, at byte 0;'],
    [
      '127 written long',
      `30817f ${'00'.repeat(127)}`,
      (r) => r.next(),
      'has a length that is not in the shortest form, at byte 0;',
    ],
    [
      '255 in two octets',
      `308200ff ${'00'.repeat(255)}`,
      (r) => r.next(),
      'has a length that is not in the shortest form, at byte 0;',
    ],
    [
      '65535 in three octets',
      '308300ffff',
      (r) => r.next(),
      'has a length that is not in the shortest form, at byte 0;',
    ],
    [
      'zero in four octets',
      '308400000000',
      (r) => r.next(),
      'has a length that is not in the shortest form, at byte 0;',
    ],
    ['more than is there', '300201', (r) => r.next(), 'has an element of 2 bytes with 1 left, at byte 0;'],
    [
      '4 GiB announced',
      '3084ffffffff',
      (r) => r.next(),
      'has an element of 4294967295 bytes with 0 left, at byte 0;',
    ],
    [
      'more than its parent holds',
      '3003 020201 ff',
      (r) => r.enter(Tag.sequence).next(),
      'has an element of 2 bytes with 1 left, at byte 2;',
    ],
    [
      'bytes behind the last element',
      '0500 ffff',
      (r) => {
        r.next().finish();
      },
      'has 2 bytes too many, at byte 2;',
    ],
    ['an empty INTEGER', '0200', (r) => r.nextInteger(), 'has an empty INTEGER, at byte 0;'],
    [
      'a positive INTEGER with a zero too many',
      '02020001',
      (r) => r.nextInteger(),
      'has an INTEGER that is not in the shortest form, at byte 0;',
    ],
    [
      'a negative INTEGER with an octet too many',
      '0202ff80',
      (r) => r.nextInteger(),
      'has an INTEGER that is not in the shortest form, at byte 0;',
    ],
    [
      'a small INTEGER below zero',
      '0201ff',
      (r) => r.smallInteger(),
      'has an INTEGER out of range, at byte 0;',
    ],
    ['the small INTEGER -128', '020180', (r) => r.smallInteger(), 'has an INTEGER out of range, at byte 0;'],
    [
      'an empty BIT STRING before a zero',
      '0300 00',
      (r) => r.bitStringOctets(),
      'has a BIT STRING that is not of whole octets, at byte 0;',
    ],
    [
      'empty flags before a zero',
      '0300 00',
      (r) => r.namedBits(),
      'has a malformed BIT STRING of flags, at byte 0;',
    ],
    [
      'a small INTEGER of five octets',
      '02050100000000',
      (r) => r.smallInteger(),
      'has an INTEGER out of range, at byte 0;',
    ],
    [
      '2^31 as a small INTEGER',
      '02050080000000',
      (r) => r.smallInteger(),
      'has an INTEGER out of range, at byte 0;',
    ],
    [
      'an empty BOOLEAN',
      '0100',
      (r) => r.boolean(),
      'has a BOOLEAN of "", where DER writes 00 for false and ff for true (X.690 section 11.1), at byte 0;',
    ],
    [
      'a BOOLEAN that is true in BER alone',
      '010101',
      (r) => r.boolean(),
      'has a BOOLEAN of "01", where DER writes 00 for false and ff for true (X.690 section 11.1), at byte 0;',
    ],
    [
      'a BOOLEAN of two octets',
      '0102ffff',
      (r) => r.boolean(),
      'has a BOOLEAN of "ffff", where DER writes 00 for false and ff for true (X.690 section 11.1), at byte 0;',
    ],
    [
      'a BOOLEAN of five octets, of which four are shown',
      '0105ffffffffff',
      (r) => r.boolean(),
      'has a BOOLEAN of "ffffffff", where DER writes 00 for false and ff for true (X.690 section 11.1), at byte 0;',
    ],
    ['an empty OID', '0600', (r) => r.oid(), 'has an unfinished OBJECT IDENTIFIER, at byte 0;'],
    [
      'an OID that is too long',
      `06820401${'2a'.repeat(1025)}`,
      (r) => r.oid(),
      'has an OBJECT IDENTIFIER of 1025 bytes, at byte 0;',
    ],
    ['an OID that goes on', '06022a81', (r) => r.oid(), 'has an unfinished OBJECT IDENTIFIER, at byte 0;'],
    [
      'an OID that begins with 0x80',
      '06028001',
      (r) => r.oid(),
      'has an OBJECT IDENTIFIER that is not in the shortest form, at byte 2;',
    ],
    [
      'an OID with 0x80 before an arc',
      '06032a8001',
      (r) => r.oid(),
      'has an OBJECT IDENTIFIER that is not in the shortest form, at byte 3;',
    ],
    [
      'an empty BIT STRING',
      '0300',
      (r) => r.bitStringOctets(),
      'has a BIT STRING that is not of whole octets, at byte 0;',
    ],
    [
      'a signature with unused bits',
      '03020780',
      (r) => r.bitStringOctets(),
      'has a BIT STRING that is not of whole octets, at byte 0;',
    ],
    [
      'flags without a count of unused bits',
      '0300',
      (r) => r.namedBits(),
      'has a malformed BIT STRING of flags, at byte 0;',
    ],
    [
      'unused bits of no octet',
      '030101',
      (r) => r.namedBits(),
      'has a malformed BIT STRING of flags, at byte 0;',
    ],
    [
      'eight unused bits',
      '03020880',
      (r) => r.namedBits(),
      'has a malformed BIT STRING of flags, at byte 0;',
    ],
    [
      'more than sixteen flags',
      '030400808080',
      (r) => r.namedBits(),
      'has a malformed BIT STRING of flags, at byte 0;',
    ],
  ])('%s', (_name, hex, run, message) => {
    const failure = failureOf(() => run(read(hex)));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.message).toBe(`certificate ${message} it is damaged or not a DER-encoded certificate`);
  });

  test('the subject gives the code and the noun', () => {
    const reader = new DerReader(Buffer.alloc(0), { code: 'ERR_MTLS_CRL_INVALID', noun: 'CRL' });
    const failure = failureOf(() => reader.next());
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toContain('not a DER-encoded CRL');
  });

  test('a failure leaves the reader where it was', () => {
    const reader = read('0500 0203');
    reader.next();
    failureOf(() => reader.next());
    expect([reader.offset, reader.tag, reader.contentStart, reader.contentEnd]).toEqual([2, Tag.null, 2, 2]);
  });
});

describe('walking', () => {
  test('elements come one after the other, as views of the same bytes', () => {
    const bytes = sequence(integer(5), boolean(true), sequence());
    const reader = read(bytes).enter(Tag.sequence);
    expect(reader.next().content).toEqual(Buffer.from([5]));
    expect(reader.element.buffer).toBe(bytes.buffer);
    expect(reader.element).toEqual(integer(5));
    expect(reader.at(Tag.boolean)).toBe(true);
    expect(reader.at(Tag.integer)).toBe(false);
    expect(reader.enterOptional(Tag.integer)).toBeUndefined();
    expect(reader.boolean()).toBe(true);
    expect(reader.done).toBe(false);
    expect(reader.enterOptional(Tag.sequence)?.done).toBe(true);
    expect(reader.done).toBe(true);
    expect(reader.at(Tag.sequence)).toBe(false);
    reader.finish();
  });

  test('nothing outside its offsets is seen, and reset() moves them', () => {
    const bytes = Buffer.concat([integer(1), integer(2), integer(3)]);
    const reader = new DerReader(bytes, subject, 3, 6);
    expect(reader.smallInteger()).toBe(2);
    expect(reader.at(Tag.integer)).toBe(false);
    failureOf(() => reader.next());
    reader.reset(0, 3);
    expect(reader.smallInteger()).toBe(1);
    expect(reader.done).toBe(true);
  });

  test('context tags are made of their number and form', () => {
    expect([context(0, 'primitive'), context(3, 'primitive')]).toEqual([0x80, 0x83]);
    expect([context(0, 'constructed'), context(3, 'constructed')]).toEqual([0xa0, 0xa3]);
  });

  test.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 16_777_216])('a length of %i is read', (length) => {
    const reader = read(element(0x04, Buffer.alloc(length))).next(Tag.octetString);
    expect(reader.content.length).toBe(length);
    expect(reader.done).toBe(true);
  });
});

describe('values', () => {
  test.each([0, 1, 127, 128, 65_535, 2 ** 31 - 1])('the small INTEGER %i is read', (value) => {
    expect(read(integer(value)).smallInteger()).toBe(value);
  });

  test('INTEGERs of any size and sign are read as they are', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
        expect(read(integer(value)).nextInteger().content).toEqual(integerContent(value));
      }),
    );
  });

  test('BOOLEANs are 0x00 or 0xff', () => {
    expect([read('0101ff').boolean(), read('010100').boolean()]).toEqual([true, false]);
  });

  test.each([
    '0.0',
    '0.39',
    '1.0',
    '1.39',
    '2.0',
    '2.47',
    '2.48',
    '2.5.29.15',
    '2.999.3',
    `2.${2n ** 53n}`,
    '2.329800735698586629295641978511506172918.1',
    '1.2.840.113549.1.1.11',
  ])('the OID %s is read', (dotted) => {
    expect(read(oid(dotted)).oid()).toBe(dotted);
  });

  test('OIDs of any arcs up to 2^52 are read', () => {
    const arcs = fc.array(fc.integer({ min: 0, max: 2 ** 52 - 1 }), { maxLength: 8 });
    const first = fc.oneof(
      fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 39 })),
      fc.tuple(fc.constant(2), fc.integer({ min: 0, max: 2 ** 40 })),
    );
    fc.assert(
      fc.property(first, arcs, (start, rest) => {
        const dotted = [...start, ...rest].join('.');
        expect(read(oid(dotted)).oid()).toBe(dotted);
      }),
    );
  });

  test('named bits are the bits of the string, first bit lowest', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 15 })), (bits) => {
        expect(read(namedBits(bits)).namedBits()).toBe(bits.reduce((sum, bit) => sum | (1 << bit), 0));
      }),
    );
  });

  test('named bits end where their string ends', () => {
    expect(read('030300ffff ff').namedBits()).toBe(0xffff);
  });

  test('named bits may have an IMPLICIT tag', () => {
    expect(read('8302 0640').namedBits(0x83)).toBe(0b10);
  });

  test('a BIT STRING of whole octets is its octets', () => {
    expect(read('0303 00abcd').bitStringOctets()).toEqual(Buffer.from('abcd', 'hex'));
    expect(read('0301 00').bitStringOctets()).toHaveLength(0);
  });
});
