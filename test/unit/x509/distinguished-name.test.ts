import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DerReader } from '../../../src/x509/der.js';
import { DistinguishedName, readName } from '../../../src/x509/distinguished-name.js';
import { attributeTypes } from '../../support/chain.js';
import { fastestTurn } from '../../support/cpu-time.js';
import { element, integer, oid, sequence, set, text } from '../../support/der-writer.js';
import type { StringType } from '../../support/der-writer.js';
import { distinguishedName } from '../../support/names.js';
import type { NameAttribute, NameOptions } from '../../support/names.js';
import { character, runs } from '../../support/runs.js';
import { failureOf } from './failure.js';

const readDer = (der: Buffer): DistinguishedName =>
  readName(new DerReader(der, { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'certificate' }));
const read = (name: NonNullable<NameOptions['name']>): DistinguishedName =>
  readDer(distinguishedName({ name }));
const cn = (value: string | Buffer, type: StringType = 'utf8'): NameAttribute => ({
  oid: attributeTypes.commonName,
  type,
  value,
});
const o = (value: string): NameAttribute => ({ oid: attributeTypes.organization, type: 'utf8', value });
const ou = (value: string): NameAttribute => ({
  oid: attributeTypes.organizationalUnit,
  type: 'utf8',
  value,
});

describe('get() lists an attribute', () => {
  const name = read([[o('Example')], [ou('ops')], [ou('dev'), cn('client1')], [ou('night')]]);

  test.each(['OU', 'ou', 'organizationalUnitName', '2.5.4.11'])('asked for as %s', (type) => {
    expect(name.get(type)).toEqual(['ops', 'dev', 'night']);
  });

  test('an absent or unknown attribute is an empty list', () => {
    expect(name.get('L')).toEqual([]);
    expect(name.get('constructor')).toEqual([]);
    expect(name.get('')).toEqual([]);
  });

  test('a value of no string type is left out', () => {
    const odd = readDer(
      sequence(set(sequence(oid('2.5.4.3'), integer(7))), set(sequence(oid('2.5.4.3'), text('utf8', 'a')))),
    );
    expect(odd.get('CN')).toEqual(['a']);
  });

  test('a list that a caller changes is not the name', () => {
    name.get('OU').push('root');
    expect(name.get('OU')).toHaveLength(3);
  });
});

describe('a value with too many combining marks on one letter', () => {
  const marks = (count: number): string => `a${'\u0301'.repeat(count)}${'\u0316'.repeat(count)}`;

  test('only equals itself', () => {
    const [below, above] = [`${marks(15)}b`, `${marks(16)}b`];
    expect(read([[cn(below)]]).equals(read([[cn(below.normalize('NFC').toUpperCase())]]))).toBe(true);
    expect(read([[cn(above)]]).equals(read([[cn(above, 'bmp')]]))).toBe(true);
    expect(read([[cn(above)]]).equals(read([[cn(above.normalize('NFC'))]]))).toBe(false);
  });

  test.each([marks(20_000), `a${'\uff9e\u0301'.repeat(20_000)}`])('is not put into order', (value) => {
    const compare = (): void => {
      expect(read([[cn(value)]]).canonical).toContain('a');
    };
    expect(fastestTurn(compare, 3)).toBeLessThan(100);
  });
});

describe('equality is that of RFC 5280 section 7.1', () => {
  test.each<[why: string, left: NameAttribute[][], right: NameAttribute[][]]>([
    ['the same', [[cn('client1')]], [[cn('client1')]]],
    ['letter case', [[cn('CLIENT1 Ž')]], [[cn('client1 ž')]]],
    ['string types', [[cn('client1', 'printable')]], [[cn('client1', 'bmp')]]],
    ['string types of Unicode', [[cn('Žluť', 'universal')]], [[cn('Žluť', 'bmp')]]],
    ['Latin-1 and UTF-8', [[cn('Zürich', 'teletex')]], [[cn('Zürich')]]],
    ['runs of space', [[cn('a   b')]], [[cn('a b')]]],
    ['space at the edges', [[cn('  a b ')]], [[cn('a b')]]],
    ['a tab for a space', [[cn('a\tb')]], [[cn('a b')]]],
    ['composed and decomposed letters', [[cn('e\u0301')]], [[cn('\u00e9')]]],
    ['compatibility forms', [[cn('ﬁ①')]], [[cn('fi1')]]],
    ['the order within an RDN', [[ou('a'), cn('b')]], [[cn('b'), ou('a')]]],
    ['empty names', [], []],
  ])('%s does not tell names apart', (_why, left, right) => {
    expect(read(left).equals(read(right))).toBe(true);
    expect(read(left).canonical).toBe(read(right).canonical);
  });

  test('the order within an RDN does not count even where it is not DER’s', () => {
    const a = sequence(oid('2.5.4.11'), text('utf8', 'a'));
    const b = sequence(oid('2.5.4.3'), text('utf8', 'b'));
    const [ab, ba] = [Buffer.concat([a, b]), Buffer.concat([b, a])].map((rdn) =>
      readDer(sequence(element(0x31, rdn))),
    );
    expect(ab?.toString()).not.toBe(ba?.toString());
    expect(ab?.equals(ba as DistinguishedName)).toBe(true);
  });

  test.each<[why: string, left: NameAttribute[][], right: NameAttribute[][]]>([
    ['another value', [[cn('client1')]], [[cn('client2')]]],
    ['another type', [[cn('a')]], [[ou('a')]]],
    ['an attribute more', [[cn('a')]], [[cn('a')], [ou('b')]]],
    ['the same attribute twice', [[cn('a')]], [[cn('a')], [cn('a')]]],
    ['another order of RDNs', [[cn('a')], [ou('b')]], [[ou('b')], [cn('a')]]],
    ['one RDN of two, and two of one', [[cn('a'), ou('b')]], [[cn('a')], [ou('b')]]],
    ['a space within', [[cn('a b')]], [[cn('ab')]]],
    ['an empty value', [[cn('')]], []],
    ['quotes that imitate another name', [[cn('a","x')]], [[cn('a')], [cn('x')]]],
    ['homoglyphs', [[cn('аdmin')]], [[cn('admin')]]],
    ['a NUL', [[cn('admin\0.evil')]], [[cn('admin')]]],
  ])('%s tells names apart', (_why, left, right) => {
    expect(read(left).equals(read(right))).toBe(false);
    expect(read(left).canonical).not.toBe(read(right).canonical);
  });

  test('a value of no string type is equal byte by byte, and to no string', () => {
    const name = (value: Buffer): DistinguishedName =>
      readDer(sequence(set(sequence(oid('2.5.4.3'), value))));
    expect(name(integer(7)).equals(name(integer(7)))).toBe(true);
    expect(name(integer(7)).equals(name(integer(8)))).toBe(false);
    expect(name(integer(7)).equals(name(text('utf8', '#020107')))).toBe(false);
  });
});

describe('text', () => {
  test('toString() is the most specific part first, and JSON is the same text', () => {
    const name = read([[o('Example')], [ou('eng')], [cn('client1')]]);
    expect(String(name)).toBe('CN=client1,OU=eng,O=Example');
    expect(JSON.stringify({ name })).toBe('{"name":"CN=client1,OU=eng,O=Example"}');
  });

  test('parse() of toString() is the same name, whatever the certificate says', () => {
    const forms: StringType[] = ['utf8', 'printable', 'teletex', 'ia5', 'universal', 'bmp'];
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 12 });
    const unicode = fc.string({ unit: character, maxLength: 12 });
    // Characters that are special in RFC 4514, invisible, or change under normalisation.
    const nasty = fc.string({
      unit: fc.constantFrom(
        ...' #=+,;<>"\\/*\0\n\r\u007f\u00a0\u0085\u2028\u202e\ufeff\u3000ßİſﬁΣ\u0301aA0🐎',
      ),
      maxLength: 12,
    });
    const attribute = fc
      .tuple(
        fc.constantFrom(...Object.values(attributeTypes), '1.3.6.1.4.1.99999.1'),
        fc.constantFrom(...forms),
        fc.oneof(ascii, unicode, nasty),
      )
      .map(([type, form, value]): NameAttribute => ({ oid: type, type: form, value: fit(form, value) }));
    const name = fc.array(fc.array(attribute, { minLength: 1, maxLength: 3 }), { maxLength: 4 });
    fc.assert(
      fc.property(name, (rdns) => {
        const once = read(rdns);
        const again = DistinguishedName.parse(once.toString());
        expect(again.equals(once)).toBe(true);
        expect(again.canonical).toBe(once.canonical);
      }),
      { numRuns: runs(200) },
    );
  });

  test('text has no control characters, so that a name cannot forge a log line', () => {
    fc.assert(
      fc.property(fc.string({ unit: character }), (value) => {
        expect(read([[cn(value)]]).toString()).not.toMatch(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  test('parse() rejects invalid names', () => {
    expect(failureOf(() => DistinguishedName.parse('client1')).code).toBe('ERR_MTLS_OPTION_INVALID');
  });
});

describe('bytes', () => {
  test('an empty name is empty', () => {
    expect(read([]).isEmpty).toBe(true);
    expect(read([[cn('')]]).isEmpty).toBe(false);
  });

  test('an attribute keeps its bytes', () => {
    expect(read([[cn('a', 'bmp')]]).rdns).toEqual([
      [{ type: '2.5.4.3', value: 'a', der: Buffer.from('1e020061', 'hex') }],
    ]);
  });

  test('a name is frozen', () => {
    expect(Object.isFrozen(read([[cn('a')]]))).toBe(true);
  });

  test('a name is frozen all the way down', () => {
    const name = read([[cn('a')]]);
    expect(Object.isFrozen(name.rdns)).toBe(true);
    expect(name.rdns.every((rdn) => Object.isFrozen(rdn) && rdn.every((one) => Object.isFrozen(one)))).toBe(
      true,
    );
  });

  test.each([
    ['an RDN without an attribute', sequence(set()), 'ends where an element was expected, at byte 4'],
    [
      'an attribute without a value',
      sequence(set(sequence(oid('2.5.4.3')))),
      'ends where an element was expected, at byte 11',
    ],
    [
      'an attribute of two values',
      sequence(set(sequence(oid('2.5.4.3'), text('utf8', 'a'), text('utf8', 'b')))),
      'has 3 bytes too many, at byte 14',
    ],
    [
      'an attribute without a type',
      sequence(set(sequence(text('utf8', 'a')))),
      'has tag 0xc where 0x6 was expected, at byte 6',
    ],
    ['an RDN that is a SEQUENCE', sequence(sequence()), 'has tag 0x30 where 0x31 was expected, at byte 2'],
    [
      'a string of the wrong bytes',
      read.bind(undefined, [[cn(Buffer.from([0xff]))]]),
      'has a UTF8String that is not UTF-8, at byte 13',
    ],
  ])('%s is refused', (_name, input, message) => {
    const failure = failureOf(() => (typeof input === 'function' ? input() : readDer(input)));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.message).toContain(message);
  });
});

/** The part of `value` that a string of that type allows. */
function fit(form: StringType, value: string): string {
  if (form === 'utf8' || form === 'universal') return value;
  const limit = { printable: 0x7f, ia5: 0x7f, teletex: 0xff, bmp: 0xffff }[form];
  return Array.from(value, (character) => ((character.codePointAt(0) ?? 0) <= limit ? character : '?')).join(
    '',
  );
}

describe('for people', () => {
  const email = (value: string): NameAttribute => ({ oid: '1.2.840.113549.1.9.1', type: 'ia5', value });
  const unknown: NameAttribute = { oid: '1.2.3.4', type: 'utf8', value: 'x' };

  test('an attribute that RFC 4514 has no name for has its long one, and its value as text', () => {
    const name = read([[o('Example')], [cn('client1'), email('certs@example.com')]]);
    expect(name.describe()).toBe('CN=client1+emailAddress=certs@example.com,O=Example');
    expect(String(name)).toMatch(/^CN=client1\+1\.2\.840\.113549\.1\.9\.1=#1611[0-9a-f]+,O=Example$/);
    expect(name.toJSON()).toBe(String(name));
  });

  test('one that nothing here has a name for stays as it is', () => {
    const name = read([[unknown]]);
    expect(name.describe()).toBe(String(name));
  });

  test('what would end the value or the line is escaped', () => {
    const name = read([[email('a,O=Bank\nb@example.com')]]);
    expect(name.describe()).toBe('emailAddress=a\\,O=Bank\\0ab@example.com');
  });
});

describe('the canonical parts', () => {
  test('are one for each part, the most general first', () => {
    const name = read([[o('Example')], [ou('eng'), cn('x')]]);
    expect(name.canonicalParts).toHaveLength(2);
    expect(name.canonical).toBe(`[${name.canonicalParts.join(',')}]`);
    expect(name.canonicalParts).toBe(name.canonicalParts);
    expect(read([]).canonicalParts).toEqual([]);
  });

  test('are equal where the parts are: in any letter case and order, and of a part with all of its attributes', () => {
    const [part] = read([[ou('Eng'), cn(' a  B ')]]).canonicalParts;
    expect(read([[cn('A b', 'printable'), ou('ENG')]]).canonicalParts).toEqual([part]);
    expect(read([[ou('eng')], [cn('a b')]]).canonicalParts).not.toContain(part);
    expect(read([[ou('eng')]]).canonicalParts).not.toContain(part);
    expect(read([[cn('eng')]]).canonicalParts).not.toEqual(read([[ou('eng')]]).canonicalParts);
  });

  test('hold no way to write two parts as one', () => {
    const two = read([[o('a')], [o('b')]]).canonicalParts;
    expect(read([[o('a')], [o('b')], [o('c')]]).canonicalParts.slice(0, 2)).toEqual(two);
    expect(read([[o('a"],["2.5.4.10","=b')]]).canonicalParts).not.toEqual(
      read([[o('a'), o('b')]]).canonicalParts,
    );
  });
});
