/**
 * The quick reader of plain entries: it says what the reader of all entries says,
 * or nothing.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { crlSubject } from '../../../src/x509/crl-entry.js';
import { type PlainEntry, readPlainEntry } from '../../../src/x509/plain-entry.js';
import { readTime } from '../../../src/x509/time.js';
import { MtlsError } from '../../../src/errors.js';
import { generalizedTime, integer, sequence, utcTime } from '../../support/der-writer.js';
import { reasonCode } from '../../support/extensions.js';
import { runs } from '../../support/runs.js';

type Read = PlainEntry & { readonly end: number };

function quickly(bytes: Buffer, start = 0, limit = bytes.length): Read | undefined {
  const entry: PlainEntry = { serialStart: -1, serialEnd: -1, revocationDate: -1, reason: -1 };
  const end = readPlainEntry(bytes, start, limit, entry);
  return end < 0 ? undefined : { ...entry, end };
}

/** The same by the readers of every DER element; the reason by its place, where it is the only extension. */
function slowly(bytes: Buffer): Read | undefined {
  try {
    const list = new DerReader(bytes, crlSubject);
    const parts = list.enter(Tag.sequence);
    const { contentStart: serialStart, contentEnd: serialEnd } = parts.nextInteger();
    const revocationDate = readTime(parts);
    const extensions = parts.enterOptional(Tag.sequence);
    parts.finish();
    let reason = 0;
    if (extensions !== undefined) {
      const extension = extensions.enter(Tag.sequence);
      extensions.finish();
      if (extension.oid() !== '2.5.29.21') return undefined;
      const value = extension.enter(Tag.octetString);
      extension.finish();
      const { content } = value.next(Tag.enumerated);
      value.finish();
      reason = content[0] ?? 0xff;
      if (content.length !== 1 || reason > 10 || reason === 7) return undefined;
    }
    return { serialStart, serialEnd, revocationDate, reason, end: list.offset };
  } catch (error) {
    if (error instanceof MtlsError) return undefined;
    throw error;
  }
}

const serial = integer(Buffer.from('4a00ff', 'hex'));
const entryOf = (date: string, ...more: Buffer[]): Buffer => sequence(serial, utcTime(date), ...more);
const plain = entryOf('250630235959Z');
const withReason = entryOf('000229120000Z', sequence(reasonCode(4)));

describe('a plain entry', () => {
  test.each([
    { what: 'without a reason', bytes: plain, reason: 0, date: '2025-06-30T23:59:59Z' },
    {
      what: 'with a reason',
      bytes: entryOf('491231000000Z', sequence(reasonCode(1))),
      reason: 1,
      date: '2049-12-31T00:00:00Z',
    },
    { what: 'of the last century', bytes: entryOf('500101000000Z'), reason: 0, date: '1950-01-01T00:00:00Z' },
    {
      what: 'with the last reason',
      bytes: entryOf('250131000000Z', sequence(reasonCode(10))),
      reason: 10,
      date: '2025-01-31T00:00:00Z',
    },
  ])('$what is read', ({ bytes, reason, date }) => {
    expect(quickly(bytes)).toStrictEqual({
      serialStart: 4,
      serialEnd: 7,
      revocationDate: Date.parse(date) / 1000,
      reason,
      end: bytes.length,
    });
  });

  test('is read where it stands, and no further than the list', () => {
    const bytes = Buffer.concat([Buffer.from([1, 2, 3]), plain, plain]);
    expect(quickly(bytes, 3)).toMatchObject({ serialStart: 7, end: 3 + plain.length });
    expect(quickly(bytes, 3, 3 + plain.length)).toBeDefined();
    expect(quickly(bytes, 3, 2 + plain.length)).toBeUndefined();
  });

  test.each([
    { what: 'a GeneralizedTime', bytes: sequence(serial, generalizedTime('20510101000000Z')) },
    { what: 'a 29th of February', bytes: withReason },
    { what: 'a 31st of June', bytes: entryOf('250631000000Z') },
    { what: 'a month 0', bytes: entryOf('250001000000Z') },
    { what: 'a month 13', bytes: entryOf('251301000000Z') },
    { what: 'a day 0', bytes: entryOf('250100000000Z') },
    { what: 'an hour 24', bytes: entryOf('250101240000Z') },
    { what: 'a minute 60', bytes: entryOf('250101006000Z') },
    { what: 'a second 60', bytes: entryOf('250101000060Z') },
    { what: 'a colon for a digit', bytes: entryOf('25010100000:Z') },
    { what: 'a slash for a digit', bytes: entryOf('/50101000000Z') },
    { what: 'another zone', bytes: entryOf('250101000000A') },
    { what: 'the unused reason', bytes: entryOf('250101000000Z', sequence(reasonCode(7))) },
    { what: 'a reason beyond the last', bytes: entryOf('250101000000Z', sequence(reasonCode(11))) },
    {
      what: 'a positive serial number that is not in the shortest form',
      bytes: sequence(integer(Buffer.from('0001', 'hex')), utcTime('250101000000Z')),
    },
    {
      what: 'a negative serial number that is not in the shortest form',
      bytes: sequence(integer(Buffer.from('ff80', 'hex')), utcTime('250101000000Z')),
    },
    { what: 'no serial number', bytes: sequence(integer(Buffer.alloc(0)), utcTime('250101000000Z')) },
  ])('with $what is left to the general reader', ({ bytes }) => {
    expect(quickly(bytes)).toBeUndefined();
  });

  test('with a length that is not one octet is left to the general reader', () => {
    const date = utcTime('250101000000Z');
    const disguised = Buffer.concat([Buffer.from([0x30, 0xa0, 0x02, 0x8f]), Buffer.alloc(0x8f, 0x55), date]);
    expect(disguised).toHaveLength(2 + 0xa0);
    expect(quickly(disguised)).toBeUndefined();
  });

  test('is read as by the general reader, with any byte changed', () => {
    const change = fc.record({ at: fc.nat(60), to: fc.integer({ min: 0, max: 255 }) });
    const entry = fc.constantFrom(plain, withReason, entryOf('491231000000Z', sequence(reasonCode(1))));
    fc.assert(
      fc.property(entry, fc.array(change, { maxLength: 3 }), (original, changes) => {
        const bytes = Buffer.from(original);
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        const read = quickly(bytes);
        if (read !== undefined) expect(read).toStrictEqual(slowly(bytes));
      }),
      { numRuns: 10 * runs(200) },
    );
  });

  test('is every entry of a typical long CRL', () => {
    expect(quickly(plain)).toStrictEqual(slowly(plain));
    expect(slowly(withReason)).toBeDefined();
  });
});
