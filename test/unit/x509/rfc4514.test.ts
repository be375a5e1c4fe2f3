import { describe, expect, test } from '@jest/globals';
import { DerReader } from '../../../src/x509/der.js';
import { DistinguishedName, readName } from '../../../src/x509/distinguished-name.js';
import { formatRfc4514, parseRfc4514 } from '../../../src/x509/rfc4514.js';
import { attributeTypes } from '../../support/chain.js';
import { boolean, octetString, oid, sequence, set } from '../../support/der-writer.js';
import { distinguishedName } from '../../support/names.js';
import type { NameAttribute, NameOptions } from '../../support/names.js';
import { failureOf } from './failure.js';

const read = (name: NonNullable<NameOptions['name']>): DistinguishedName =>
  readName(
    new DerReader(distinguishedName({ name }), {
      code: 'ERR_MTLS_CERTIFICATE_INVALID',
      noun: 'certificate',
    }),
  );
const utf8 = (type: string, value: string): NameAttribute => ({ oid: type, type: 'utf8', value });
const cn = (value: string): NameAttribute[][] => [[utf8(attributeTypes.commonName, value)]];
const dc = (value: string): NameAttribute[] => [{ oid: attributeTypes.domainComponent, type: 'ia5', value }];
/** A name of one attribute whose value is `value`, DER. */
const odd = (type: string, value: Buffer): Buffer => sequence(set(sequence(oid(type), value)));

describe('the examples of RFC 4514 section 4', () => {
  const exampleNet = [dc('net'), dc('example')];
  const ou = utf8(attributeTypes.organizationalUnit, 'Sales');
  test.each<[text: string, name: NonNullable<NameOptions['name']>]>([
    ['UID=jsmith,DC=example,DC=net', [...exampleNet, [utf8(attributeTypes.userId, 'jsmith')]]],
    [
      'OU=Sales+CN=J.  Smith,DC=example,DC=net',
      [...exampleNet, [ou, utf8(attributeTypes.commonName, 'J.  Smith')]],
    ],
    ['CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net', [...exampleNet, ...cn('James "Jim" Smith, III')]],
    ['CN=Before\\0dAfter,DC=example,DC=net', [...exampleNet, ...cn('Before\rAfter')]],
    ['1.3.6.1.4.1.1466.0=#04024869', odd('1.3.6.1.4.1.1466.0', octetString(Buffer.from('Hi')))],
    ['CN=Lučić', cn('Lučić')],
  ])('%s', (text, name) => {
    expect(read(name).toString()).toBe(text);
    expect(DistinguishedName.parse(text).equals(read(name))).toBe(true);
  });

  test('the last may be written in escapes too', () => {
    expect(DistinguishedName.parse('CN=Lu\\C4\\8Di\\C4\\87').get('CN')).toEqual(['Lučić']);
  });
});

describe('writing', () => {
  test.each([
    ['client1', 'client1'],
    ['', ''],
    ['a b', 'a b'],
    ['\\ a', ' a'],
    ['a\\ ', 'a '],
    ['\\  a \\ ', '  a  '],
    ['\\ ', ' '],
    ['\\#a#', '#a#'],
    ['a=b', 'a=b'],
    ['\\"\\+\\,\\;\\<\\>\\\\', '"+,;<>\\'],
    ['a\\00b', 'a\0b'],
    ['a\\0aforged log line', 'a\nforged log line'],
    ['a\\1b[2Jb', 'a\u001b[2Jb'],
    ['a\\e2\\80\\aeb', 'a\u202eb'],
    ['\\ef\\bb\\bfa', '\ufeffa'],
    ['🐎\\,', '🐎,'],
    ['*.example.com', '*.example.com'],
    ['a\\,', 'a,'],
    ['a\\+\\"', 'a+"'],
  ])('CN=%s', (text, value) => {
    expect(read(cn(value)).toString()).toBe(`CN=${text}`);
    expect(DistinguishedName.parse(`CN=${text}`).get('CN')).toEqual([value]);
  });

  test('the nine types of section 3 have names, all others are dotted, with their value as hex', () => {
    const types = ['2.5.4.3', '2.5.4.7', '2.5.4.8', '2.5.4.10', '2.5.4.11', '2.5.4.6', '2.5.4.9'];
    expect(read([...types.map((type) => [utf8(type, 'x')])].reverse()).toString()).toBe(
      'CN=x,L=x,ST=x,O=x,OU=x,C=x,STREET=x',
    );
    expect(read([[utf8('2.5.4.5', 'x')]]).toString()).toBe('2.5.4.5=#0c0178');
    expect(read([[utf8('1.2.840.113549.1.9.1', 'a@b')]]).toString()).toBe('1.2.840.113549.1.9.1=#0c03614062');
  });

  test('a value of no string type is hex under any name', () => {
    expect(read(odd('2.5.4.3', boolean(true))).toString()).toBe('CN=#0101ff');
  });

  test('an empty name is an empty text', () => {
    expect(formatRfc4514([])).toBe('');
    expect(parseRfc4514('')).toEqual([]);
  });
});

describe('reading', () => {
  const parts = (text: string): string[][] =>
    parseRfc4514(text).map((rdn) => rdn.map(({ type, value }) => `${type}=${value ?? 'undefined'}`));

  test.each([
    ['the most general first', 'CN=a,O=b', [['2.5.4.10=b'], ['2.5.4.3=a']]],
    ['several attributes in one RDN', 'OU=a+CN=b,O=c', [['2.5.4.10=c'], ['2.5.4.11=a', '2.5.4.3=b']]],
    [
      'spaces around the separators',
      ' CN = a , O = b c  + OU= d ',
      [['2.5.4.10=b c', '2.5.4.11=d'], ['2.5.4.3=a']],
    ],
    ['an escaped space at the end', 'CN=a\\  ,O=b', [['2.5.4.10=b'], ['2.5.4.3=a ']]],
    [
      'any case, and names that section 3 lacks',
      'commonname=a,emailAddress=b',
      [['1.2.840.113549.1.9.1=b'], ['2.5.4.3=a']],
    ],
    ['dotted types with a text', '1.2.3=a', [['1.2.3=a']]],
    ['a value in hex', 'CN=#0c0161', [['2.5.4.3=a']]],
    ['a value in hex that is no string', 'CN=#0101FF', [['2.5.4.3=undefined']]],
    ['every escape', 'CN=\\ \\"\\#\\+\\,\\;\\<\\=\\>\\\\\\41', [['2.5.4.3= "#+,;<=>\\A']]],
    ['an escaped backslash before a comma', 'CN=a\\\\,O=b', [['2.5.4.10=b'], ['2.5.4.3=a\\']]],
    ['empty values', 'CN=,O=', [['2.5.4.10='], ['2.5.4.3=']]],
  ])('%s', (_name, text, expected) => {
    expect(parts(text)).toEqual(expected);
  });

  test.each([
    ['no attribute', 'client1', 'an attribute such as "CN=" was expected, at character 0'],
    ['a comma at the end', 'CN=a,', 'an attribute such as "CN=" was expected, at character 5'],
    ['a plus at the end', 'CN=a+', 'an attribute such as "CN=" was expected, at character 5'],
    ['two commas', 'CN=a,,O=b', 'an attribute such as "CN=" was expected, at character 5'],
    ['spaces alone', '  ', 'an attribute such as "CN=" was expected, at character 0'],
    ['the form of OpenSSL', '/CN=a/O=b', 'an attribute such as "CN=" was expected, at character 0'],
    [
      'a misspelt type',
      'O=b,NC=a',
      '"NC" is not a known attribute type (use the dotted form), at character 4',
    ],
    ['a type from a prototype', 'constructor=a', '"constructor" is not a known attribute type'],
    ['a semicolon', 'CN=a;O=b', '";" must be escaped, at character 4'],
    ['a quote', 'CN="a"', '""" must be escaped, at character 3'],
    ['an angle bracket', 'CN=a<b', '"<" must be escaped, at character 4'],
    ['half an octet', 'CN=#0c016', '"#" must be followed by pairs of hex digits, at character 0'],
    ['no octet', 'CN=#', '"#" must be followed by pairs of hex digits, at character 0'],
    ['hex that is no hex', 'CN=#0c01zz', '"#" must be followed by pairs of hex digits, at character 0'],
    ['an escape of a letter', 'CN=ab\\x', 'a backslash escapes nothing, at character 5'],
    ['an escape of half an octet', 'CN=\\4', 'a backslash escapes nothing, at character 3'],
  ])('%s is refused', (_name, text, message) => {
    const failure = failureOf(() => parseRfc4514(text));
    expect(failure.code).toBe('ERR_MTLS_OPTION_INVALID');
    expect(failure.message).toContain(`"${text}" is not a distinguished name of RFC 4514: `);
    expect(failure.message).toContain(message);
    expect(failure.message).toContain('write "CN=client1,O=Example"');
  });

  test.each([
    ['is not DER', 'CN=#0c', 'attribute value ends where an element was expected, at byte 0'],
    ['is two elements', 'CN=#05000500', 'attribute value has 2 bytes too many, at byte 2'],
    ['is not UTF-8', 'CN=#0c01ff', 'attribute value has a UTF8String that is not UTF-8, at byte 2'],
  ])('a value in hex that %s is refused', (_name, text, message) => {
    const failure = failureOf(() => parseRfc4514(text));
    expect(failure.code).toBe('ERR_MTLS_OPTION_INVALID');
    expect(failure.message).toContain(message);
  });

  test('a backslash at the end is refused, not read as an empty value', () => {
    expect(failureOf(() => parseRfc4514('CN=a\\')).message).toContain('a backslash escapes nothing');
  });

  test('only the space of ASCII may stand around separators: others are part of the value', () => {
    expect(parts('CN=\u3000#0c0161')).toEqual([['2.5.4.3=\u3000#0c0161']]);
  });

  test('octets in escapes that are not UTF-8 are refused, never replaced', () => {
    expect(failureOf(() => parseRfc4514('CN=a\\ff')).code).toBe('ERR_MTLS_OPTION_INVALID');
  });
});

test('a type without a name that was read as text is written as text', () => {
  expect(String(DistinguishedName.parse('1.2.3=abc,O=b'))).toBe('1.2.3=abc,O=b');
});

test.each([
  ['CN=#zz#0c0161', '"#" must be followed by pairs of hex digits, at character 0'],
  ['CN=a\\ff', 'the value is not UTF-8, at character 3'],
])('%s is refused with the reason', (text, message) => {
  expect(failureOf(() => parseRfc4514(text)).message).toContain(message);
});
