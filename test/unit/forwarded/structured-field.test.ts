import { describe, expect, test } from '@jest/globals';
import { readByteSequence, readByteSequenceList } from '../../../src/forwarded/structured-field.js';
import { failureOf } from '../x509/failure.js';

const hello = Buffer.from('hello');

describe('an Item', () => {
  test.each([
    ['a Byte Sequence', ':aGVsbG8=:'],
    ['spaces around it', '  :aGVsbG8=:  '],
    ['a parameter without a value', ':aGVsbG8=:;a'],
    ['a space before a parameter', ':aGVsbG8=:; a'],
    ['keys of every character', ':aGVsbG8=:;*a_-.*0=1'],
    ['an Integer', ':aGVsbG8=:;a=-999999999999999'],
    ['a Decimal', ':aGVsbG8=:;a=-999999999999.999'],
    ['a String', ':aGVsbG8=:;a="b \\" \\\\ c;:,"'],
    ['a Token', ":aGVsbG8=:;a=*b/c:d!#$%&'*+-.^_`|~"],
    ['a Byte Sequence as a parameter', ':aGVsbG8=:;a=:AAAA:'],
    ['a Boolean', ':aGVsbG8=:;a=?0;b=?1'],
    ['a Date (RFC 9651)', ':aGVsbG8=:;a=@-1659578233'],
    ['a Display String (RFC 9651)', ':aGVsbG8=:;a=%"f%c3%bc%c3%bc"'],
    ['a parameter twice', ':aGVsbG8=:;a=1;a=2'],
  ])('%s is read, and parameters are ignored', (_what, value) => {
    expect(readByteSequence(value)).toEqual(hello);
  });

  test.each([
    ['nothing', '', 'has ""'],
    ['spaces alone', '   ', 'has ""'],
    ['a tab before it', '\t:aGVsbG8=:', 'has "\\u{9}:aGVsbG8=:"'],
    ['a tab behind it', ':aGVsbG8=:\t', 'has "\\u{9}" after its first 10 characters'],
    ['no colon in front', 'aGVsbG8=', 'has "aGVsbG8="'],
    ['no colon after', ':aGVsbG8=', 'has a Byte Sequence without its end'],
    ['a String', '"aGVsbG8="', 'has ""aGVsbG8="'],
    ['an Inner List', '(:aGVsbG8=:)', 'has "(:aGVsbG8=:)"'],
    ['no padding', ':aGVsbG8:', 'has base64 of 7 characters, which is truncated or lacks its padding'],
    ['padding in the middle', ':aGVsbG8=aGVsbG8=:', 'has base64 with padding in its middle'],
    [
      'unused bits that are not zero',
      ':aGVsbG9=:',
      'has base64 with padding in its middle, or with unused bits',
    ],
    ['too much padding', ':AAAA====:', 'has base64 with padding in its middle'],
    ['a space within', ':aGVs bG8=:', 'has " bG8=" at character 4 of its base64'],
    ['base64url', ':-_-_:', 'has "-_-_" at character 0 of its base64'],
    ['a second Item', ':aGVsbG8=:, :aGVsbG8=:', 'has ", :aGVsbG8=:" after its first 10 characters'],
    ['a second Item without a comma', ':aGVsbG8=::aGVsbG8=:', 'has ":aGVsbG8=:" after'],
    ['a parameter of another case', ':aGVsbG8=:;A=1', 'has ";A=1" after'],
    ['a parameter without a key', ':aGVsbG8=:;=1', 'has ";=1" after'],
    ['a tab before a parameter', ':aGVsbG8=:;\ta', 'has ";\\u{9}a" after'],
    ['a space behind the Item, and a parameter', ':aGVsbG8=: ;a', 'has ";a" after'],
    ['a parameter whose value is missing', ':aGVsbG8=:;a=', 'has "" after'],
    ['an Integer of 16 digits', ':aGVsbG8=:;a=1234567890123456', 'has "1234567890123456" after'],
    ['a Decimal of 13 digits', ':aGVsbG8=:;a=1234567890123.1', 'has "1234567890123.1" after'],
    ['a Decimal that ends in a dot', ':aGVsbG8=:;a=1.', 'has "1." after'],
    ['a Decimal of four places', ':aGVsbG8=:;a=1.2345', 'has "1.2345" after'],
    ['a String without its end', ':aGVsbG8=:;a="b', 'has ""b" after'],
    ['a String with an escape of another character', ':aGVsbG8=:;a="\\b"', 'has ""\\b"" after'],
    ['a String that is not ASCII', ':aGVsbG8=:;a="ü"', 'after'],
    ['a Boolean of 2', ':aGVsbG8=:;a=?2', 'has "?2" after'],
    ['a Date with a fraction', ':aGVsbG8=:;a=@1.5', 'has "@1.5" after'],
    ['a Display String in upper case', ':aGVsbG8=:;a=%"%C3%BC"', 'after'],
    ['a Display String that is not UTF-8', ':aGVsbG8=:;a=%"%c3"', 'after'],
  ])('%s is refused', (_what, value, seen) => {
    const failure = failureOf(() => readByteSequence(value));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.seen).toContain(seen);
  });
});

describe('a List', () => {
  test.each([
    ['nothing', '', 0],
    ['spaces alone', '  ', 0],
    ['one member', ':aGVsbG8=:', 1],
    ['several', ' :aGVsbG8=:,:aGVsbG8=: \t,\t :aGVsbG8=: ', 3],
    ['parameters', ':aGVsbG8=:;a=1, :aGVsbG8=:;b="c, d"', 2],
  ])('%s is read', (_what, value, members) => {
    expect(readByteSequenceList(value)).toEqual(Array.from({ length: members }, () => hello));
  });

  test.each([
    ['a comma at the end', ':aGVsbG8=:, '],
    ['a comma in front', ', :aGVsbG8=:'],
    ['two commas', ':aGVsbG8=:,, :aGVsbG8=:'],
    ['no comma', ':aGVsbG8=: :aGVsbG8=:'],
    ['a semicolon', ':aGVsbG8=:; :aGVsbG8=:'],
    ['a Token', ':aGVsbG8=:, a'],
    ['an Inner List', '(:aGVsbG8=: :aGVsbG8=:)'],
  ])('%s is refused', (_what, value) => {
    expect(failureOf(() => readByteSequenceList(value)).code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
  });
});
