import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DerReader } from '../../../src/x509/der.js';
import { decodeString, hasUnsafeCharacter, replaceUnsafe, shorten } from '../../../src/x509/string.js';
import { element, integer, text } from '../../support/der-writer.js';
import { character } from '../../support/runs.js';
import { failureOf } from './failure.js';

const reader = (bytes: Buffer): DerReader =>
  new DerReader(bytes, { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' }).next();
const decode = (bytes: Buffer): string | undefined => decodeString(reader(bytes));
const hex = (tag: number, content: string): Buffer => element(tag, Buffer.from(content, 'hex'));

describe('each string type holds what it can hold', () => {
  test.each([
    ['UTF8String', text('utf8', 'žluťoučký 🐎'), 'žluťoučký 🐎'],
    ['PrintableString', text('printable', "Example (Ltd.) '4'"), "Example (Ltd.) '4'"],
    ['NumericString', element(0x12, Buffer.from('12 34')), '12 34'],
    ['IA5String', text('ia5', 'a@b.test'), 'a@b.test'],
    ['VisibleString', element(0x1a, Buffer.from('visible')), 'visible'],
    ['TeletexString, as Latin-1', text('teletex', 'Zürich'), 'Zürich'],
    ['BMPString', text('bmp', 'Příliš €'), 'Příliš €'],
    ['UniversalString', text('universal', '🐎 and more'), '🐎 and more'],
    ['an empty UTF8String', text('utf8', ''), ''],
    ['an empty BMPString', text('bmp', ''), ''],
    ['an empty UniversalString', text('universal', ''), ''],
    ['a NUL in a UTF8String', text('utf8', 'a\0b'), 'a\0b'],
    ['a byte order mark, which is a character like others', hex(0x0c, 'efbbbf61'), '\ufeffa'],
  ])('%s', (_name, bytes, expected) => {
    expect(decode(bytes)).toBe(expected);
  });

  test('what is no string is undefined', () => {
    expect(decode(integer(1))).toBeUndefined();
    expect(decode(element(0x04, Buffer.from('octets')))).toBeUndefined();
  });

  test('whatever was written in a Unicode type is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: character }), (value) => {
        expect(decode(text('utf8', value))).toBe(value);
        expect(decode(text('universal', value))).toBe(value);
        const basic = value.replaceAll(/[^\u0000-\uffff]/gu, '?');
        expect(decode(text('bmp', basic))).toBe(basic);
      }),
    );
  });
});

describe('an invalid value of a string type is rejected, never guessed', () => {
  test.each([
    ['an overlong slash in a UTF8String', hex(0x0c, 'c0af'), 'a UTF8String that is not UTF-8, at byte 2'],
    ['a surrogate in a UTF8String', hex(0x0c, 'eda080'), 'a UTF8String that is not UTF-8, at byte 2'],
    ['Latin-1 in a UTF8String', hex(0x0c, '61fc'), 'a UTF8String that is not UTF-8, at byte 2'],
    ['a UTF8String cut within a character', hex(0x0c, 'e282'), 'a UTF8String that is not UTF-8, at byte 2'],
    ['a character above U+10FFFF in a UTF8String', hex(0x0c, 'f4908080'), 'a UTF8String that is not UTF-8'],
    [
      'Latin-1 in a PrintableString',
      hex(0x13, '61fc'),
      'the octet 0xfc in a PrintableString, which is an ASCII string (text beyond ASCII belongs in a UTF8String), at byte 3',
    ],
    [
      'Latin-1 in a NumericString',
      hex(0x12, '80'),
      'the octet 0x80 in a NumericString, which is an ASCII string (text beyond ASCII belongs in a UTF8String), at byte 2',
    ],
    [
      'UTF-8 in an IA5String',
      hex(0x16, '6161c3bc'),
      'the octet 0xc3 in an IA5String, which is an ASCII string (it is UTF-8, which belongs in a UTF8String), at byte 4',
    ],
    [
      'UTF-8 in a VisibleString',
      hex(0x1a, 'c3bc'),
      'the octet 0xc3 in a VisibleString, which is an ASCII string (it is UTF-8, which belongs in a UTF8String), at byte 2',
    ],
    ['a BMPString of three bytes', hex(0x1e, '006100'), 'a BMPString of an odd length, at byte 2'],
    ['a high surrogate in a BMPString', hex(0x1e, '0061d83d'), 'a BMPString with a surrogate, at byte 4'],
    ['a pair of surrogates in a BMPString', hex(0x1e, 'd83ddc0e'), 'a BMPString with a surrogate, at byte 2'],
    ['the first surrogate in a BMPString', hex(0x1e, 'd800'), 'a BMPString with a surrogate, at byte 2'],
    [
      'the last surrogate in a UniversalString',
      hex(0x1c, '0000dfff'),
      'a UniversalString with an invalid character, at byte 2',
    ],
    ['a low surrogate in a BMPString', hex(0x1e, 'dfff'), 'a BMPString with a surrogate, at byte 2'],
    [
      'a UniversalString of two bytes',
      hex(0x1c, '0061'),
      'a UniversalString of an invalid length, at byte 2',
    ],
    [
      'a UniversalString above U+10FFFF',
      hex(0x1c, '00110000'),
      'a UniversalString with an invalid character, at byte 2',
    ],
    ['a UniversalString with 2^32-1', hex(0x1c, '00000061ffffffff'), 'with an invalid character, at byte 6'],
    [
      'a surrogate in a UniversalString',
      hex(0x1c, '0000d800'),
      'a UniversalString with an invalid character, at byte 2',
    ],
  ])('%s', (_name, bytes, message) => {
    const failure = failureOf(() => decode(bytes));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.message).toContain(
      `certificate has ${message}`.replace('has with', 'has a UniversalString with'),
    );
  });
});

describe('unsafe characters are those that control, reorder, hide or are not seen', () => {
  test.each(
    [
      0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x1f, 0x7f, 0x80, 0x85, 0x9f, 0xad, 0x034f, 0x0600, 0x061c, 0x115f,
      0x1160, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x200b, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e,
      0x2060, 0x2065, 0x2066, 0x2069, 0x206f, 0x2800, 0x3164, 0xd800, 0xe000, 0xfdd0, 0xfe00, 0xfe0f, 0xfeff,
      0xffa0, 0xfff0, 0xfff9, 0xfffb, 0xfffc, 0xfffe, 0xffff, 0x13430, 0x13441, 0x13442, 0x16fe4, 0x1bca0,
      0x1d159, 0x1d173, 0x1fffe, 0xe0001, 0xe0041, 0xe007f, 0xe0100, 0xe01ef, 0xe0fff, 0xf0000, 0x10ffff,
    ].map((point) => [point.toString(16).toUpperCase().padStart(4, '0'), String.fromCodePoint(point)]),
  )('U+%s is', (_name, character) => {
    expect(hasUnsafeCharacter(`client1${character}`)).toBe(true);
    expect(hasUnsafeCharacter(`${character}client1`)).toBe(true);
    expect(replaceUnsafe(`a${character}b`, (found) => `<${found}>`)).toBe(`a<${character}>b`);
  });

  test('a code point that is not assigned is, whichever Unicode this Node has', () => {
    // In the planes 4 to 13 nothing is, and for the next decades nothing will be.
    for (const point of [0x40000, 0x8abcd, 0xdfffd])
      expect(hasUnsafeCharacter(String.fromCodePoint(point))).toBe(true);
  });

  test.each([
    'client1',
    'a b',
    '~',
    '\u00a0',
    'Zürich',
    'Příliš',
    '東京',
    'مثال',
    '🐎',
    '\u200a',
    '\u2030',
    '山田\u3000太郎',
    'e\u0301',
    '⣿',
    '',
  ])('%j has none', (value) => {
    expect(hasUnsafeCharacter(value)).toBe(false);
    expect(replaceUnsafe(value, () => '!')).toBe(value);
  });

  test('each of them is replaced, and nothing else', () => {
    expect(replaceUnsafe('\u200ba\u{e0041}\u{e0041}b\n', (found) => String(found.codePointAt(0)))).toBe(
      '8203a917569917569b10',
    );
  });
});

test.each([
  ['the first character behind the surrogates', hex(0x1e, 'e000'), '\ue000'],
  ['the last character of a BMPString', hex(0x1e, 'ffff'), '\uffff'],
  ['the last character before the surrogates', hex(0x1c, '0000d7ff'), '\ud7ff'],
  ['the last character of all', hex(0x1c, '0010ffff'), '\u{10ffff}'],
])('%s is read', (_name, bytes, value) => {
  expect(decode(bytes)).toBe(value);
});

describe('shorten()', () => {
  test.each([
    ['plain text', 'CN=client1', 'CN=client1'],
    ['letters of any script', 'CN=Ζωή 名前 👋', 'CN=Ζωή 名前 👋'],
    ['a line break', 'one\ntwo', 'one\\u{a}two'],
    ['an escape sequence of a terminal', '\u001b[2J', '\\u{1b}[2J'],
    ['a zero', 'a\0b', 'a\\u{0}b'],
    ['what turns the direction', 'ab\u202egnp.exe', 'ab\\u{202e}gnp.exe'],
    ['what has no width', 'pay\u200bpal', 'pay\\u{200b}pal'],
    ['a C1 control', '\u009b31m', '\\u{9b}31m'],
  ])('shows %s', (_what, text, shown) => {
    expect(shorten(text, 100)).toBe(shown);
  });

  test('cuts what is too long, and says so', () => {
    expect(shorten('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`);
    expect(shorten('x'.repeat(10), 10)).toBe('x'.repeat(10));
  });
});
