import { describe, expect, test } from '@jest/globals';
import { revocationReasons, walkEntries, type CrlEntry } from '../../../src/x509/crl-entry.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { ca, largeCrl } from '../../support/chain.js';
import {
  boolean,
  element,
  enumerated,
  generalizedTime,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  utcTime,
} from '../../support/der-writer.js';
import { certificateIssuer, extension, reasonCode } from '../../support/extensions.js';
import { distinguishedName, uriName } from '../../support/names.js';
import { failureOf } from './failure.js';

const root = ca();
const date = utcTime('250601000000Z');

/** Copies of the entries of a CRL, because the walk reuses one object. */
function entriesOf(raw: Buffer, entries = { start: 0, end: raw.length }): (CrlEntry & { serial: string })[] {
  const seen: (CrlEntry & { serial: string })[] = [];
  walkEntries({ raw, entries }, (entry) => {
    seen.push({ ...entry, serial: raw.toString('hex', entry.serialStart, entry.serialEnd) });
  });
  return seen;
}
const entryWith = (...extensions: Buffer[]): Buffer => sequence(integer(1), date, sequence(...extensions));

describe('entries are read', () => {
  test('serial numbers keep their bytes, whatever they are', () => {
    const serials = ['00', '01', '7f', '0080', '00ff', 'ff', '80', `7f${'ab'.repeat(19)}`, '55'.repeat(64)];
    const raw = Buffer.concat(serials.map((hex) => sequence(integer(Buffer.from(hex, 'hex')), date)));
    expect(entriesOf(raw).map(({ serial }) => serial)).toEqual(serials);
  });

  test('dates are seconds since 1970', () => {
    const at = '2051-02-03T04:05:06Z';
    const raw = Buffer.concat([
      sequence(integer(1), date),
      sequence(integer(2), generalizedTime(new Date(at))),
    ]);
    expect(entriesOf(raw).map(({ revocationDate }) => revocationDate * 1000)).toEqual([
      Date.parse('2025-06-01T00:00:00Z'),
      Date.parse(at),
    ]);
  });

  test.each([...revocationReasons.entries()].filter(([, name]) => name !== 'unused'))(
    'reason %i is %s',
    (code, name) => {
      const [entry] = entriesOf(entryWith(reasonCode(code)));
      expect(revocationReasons[entry?.reason ?? -1]).toBe(name);
    },
  );

  test('values of one entry do not carry over to the next', () => {
    const name = distinguishedName({ commonName: 'other' });
    const unknown = extension({ oid: '1.2.3', critical: true, value: nullValue() });
    const raw = Buffer.concat([
      entryWith(reasonCode('keyCompromise'), certificateIssuer(name), unknown),
      sequence(integer(2), date),
    ]);
    const [first, second] = entriesOf(raw);
    expect(first).toMatchObject({ serial: '01', reason: 1, unknownCriticalExtension: '1.2.3' });
    expect(String(first?.certificateIssuer)).toBe('CN=other');
    expect(second).toMatchObject({ serial: '02', reason: 0 });
    expect(second?.certificateIssuer).toBeUndefined();
    expect(second?.unknownCriticalExtension).toBeUndefined();
  });

  test('the certificate issuer is the directory name among several names', () => {
    const names = sequence(
      uriName('http://a.test'),
      element(0xa4, distinguishedName({ commonName: 'other' })),
    );
    const [entry] = entriesOf(entryWith(extension({ oid: '2.5.29.29', critical: true, value: names })));
    expect(String(entry?.certificateIssuer)).toBe('CN=other');
  });

  test('an invalidity date is checked and passed over, as is what is unknown and not critical', () => {
    const { der } = root.crl({
      revoked: [
        {
          serial: '0a',
          reason: 'superseded',
          invalidityDate: new Date(0),
          extraExtensions: [
            { oid: '1.2.3', value: Buffer.from('not DER') },
            { oid: '2.5.29.23', value: oid('1.2.840.10040.2.1') },
          ],
        },
      ],
    });
    const [entry] = entriesOf(der, parseCrl(der).entries);
    expect(entry).toMatchObject({ serial: '0a', reason: 4, unknownCriticalExtension: undefined });
  });

  test('an extension that is written as not critical is not', () => {
    const value = sequence(oid('1.2.3'), boolean(false), octetString(nullValue()));
    expect(entriesOf(entryWith(value))[0]?.unknownCriticalExtension).toBeUndefined();
  });

  test.each(['1.2.3', '2.5.29.22', '2.5.30.21', '2.6.29.21', '2.5.29.21.1', '2.5.29'])(
    'the critical extension %s is named',
    (type) => {
      const critical = extension({ oid: type, critical: true, value: enumerated(1) });
      expect(entriesOf(entryWith(critical))[0]).toMatchObject({ unknownCriticalExtension: type, reason: 0 });
    },
  );

  test('an empty list has no entries', () => {
    expect(entriesOf(Buffer.alloc(0))).toEqual([]);
  });

  test('nothing outside the given place is read', () => {
    const one = sequence(integer(1), date);
    const raw = Buffer.concat([nullValue(), one, nullValue()]);
    expect(entriesOf(raw, { start: 2, end: 2 + one.length })).toHaveLength(1);
  });

  test('twenty thousand entries are walked as one object', () => {
    const crl = largeCrl(root, { entries: 20_000, reason: 'keyCompromise' });
    const { entries } = parseCrl(crl.der);
    const objects = new Set<unknown>();
    let index = 0;
    let wrong = 0;
    walkEntries({ raw: crl.der, entries }, (entry) => {
      objects.add(entry);
      const serial = crl.der.toString('hex', entry.serialStart, entry.serialEnd).replace(/^0/, '');
      if (serial !== crl.serialAt(index) || entry.reason !== 1) wrong++;
      index++;
    });
    expect({ index, wrong, objects: objects.size }).toEqual({ index: 20_000, wrong: 0, objects: 1 });
  });
});

describe('an invalid entry is rejected', () => {
  const reason = (value: Buffer): Buffer => entryWith(extension({ oid: '2.5.29.21', value }));
  test.each([
    ['an entry that is no SEQUENCE', integer(1), 'has tag 0x2 where 0x30 was expected, at byte 0'],
    ['an entry without a serial number', sequence(date), 'has tag 0x17 where 0x2 was expected, at byte 2'],
    ['an entry without a date', sequence(integer(1)), 'ends where an element was expected, at byte 5'],
    [
      'a serial number with a zero too many',
      sequence(integer(Buffer.from([0, 1])), date),
      'not in the shortest form, at byte 2',
    ],
    ['an empty serial number', sequence(integer(Buffer.alloc(0)), date), 'has an empty INTEGER, at byte 2'],
    ['a date that is none', sequence(integer(1), utcTime('251301000000Z')), 'has an invalid date, at byte 7'],
    [
      'something behind the extensions',
      sequence(integer(1), date, sequence(), nullValue()),
      'has 2 bytes too many, at byte 22',
    ],
    [
      'extensions that are no list',
      sequence(integer(1), date, nullValue()),
      'has tag 0x5 where 0x30 was expected, at byte 20',
    ],
    [
      'an entry that ends within its serial number',
      Buffer.from('30030202ff', 'hex'),
      'has an element of 2 bytes with 1 left, at byte 2',
    ],
    [
      'an extension without a value',
      entryWith(sequence(oid('2.5.29.21'))),
      'ends where an element was expected',
    ],
    [
      'an extension with a tail',
      entryWith(sequence(oid('2.5.29.21'), octetString(enumerated(1)), nullValue())),
      'has 2 bytes too many',
    ],
    [
      'an extension whose type is unfinished',
      entryWith(sequence(element(6, Buffer.from('551d95', 'hex')), octetString(nullValue()))),
      'has an unfinished OBJECT IDENTIFIER',
    ],
    [
      'reason 7, which is not used',
      reason(enumerated(7)),
      'has a reason that RFC 5280 section 5.3.1 does not define',
    ],
    ['reason 11', reason(enumerated(11)), 'has a reason that RFC 5280 section 5.3.1 does not define'],
    ['reason -1', reason(enumerated(-1)), 'has a reason that RFC 5280 section 5.3.1 does not define'],
    ['reason 256', reason(enumerated(256)), 'has a reason that RFC 5280 section 5.3.1 does not define'],
    [
      'an empty reason',
      reason(element(0x0a, Buffer.alloc(0))),
      'has a reason that RFC 5280 section 5.3.1 does not define',
    ],
    ['a reason that is an INTEGER', reason(integer(1)), 'has tag 0x2 where 0xa was expected'],
    ['a reason with a tail', reason(Buffer.concat([enumerated(1), nullValue()])), 'has 2 bytes too many'],
    [
      'an invalidity date that is none',
      entryWith(extension({ oid: '2.5.29.24', value: integer(1) })),
      'has another element where a time was expected',
    ],
    [
      'a certificate issuer without a directory name',
      entryWith(extension({ oid: '2.5.29.29', value: sequence(uriName('a')) })),
      'has a certificateIssuer without a directory name',
    ],
    [
      'an empty certificate issuer',
      entryWith(extension({ oid: '2.5.29.29', value: sequence() })),
      'has an empty list of names',
    ],
  ])('%s', (_name, raw, message) => {
    const failure = failureOf(() => entriesOf(raw));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toContain(message);
  });

  const name = (commonName: string): Buffer => element(0xa4, distinguishedName({ commonName }));
  test.each([
    ['a reason twice', entryWith(reasonCode('keyCompromise'), reasonCode('removeFromCRL'))],
    [
      'a certificate issuer twice',
      entryWith(
        certificateIssuer(distinguishedName({ commonName: 'a' })),
        certificateIssuer(distinguishedName({ commonName: 'b' })),
      ),
    ],
    [
      'a certificate issuer with a tail',
      entryWith(extension({ oid: '2.5.29.29', value: Buffer.concat([sequence(name('a')), nullValue()]) })),
    ],
    [
      'an invalidity date with a tail',
      entryWith(
        extension({ oid: '2.5.29.24', value: Buffer.concat([generalizedTime(new Date(0)), nullValue()]) }),
      ),
    ],
  ])('%s', (_name, raw) => {
    expect(failureOf(() => entriesOf(raw)).code).toBe('ERR_MTLS_CRL_INVALID');
  });
});

test('an extension that an entry has twice is named', () => {
  const twice = entryWith(reasonCode('keyCompromise'), reasonCode('superseded'));
  expect(failureOf(() => entriesOf(twice)).message).toContain('has the entry extension 2.5.29.21 twice');
});
