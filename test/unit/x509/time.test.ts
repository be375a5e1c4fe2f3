import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DerReader } from '../../../src/x509/der.js';
import { readDate, readTime } from '../../../src/x509/time.js';
import { generalizedTime, integer, utcTime } from '../../support/der-writer.js';
import { failureOf } from './failure.js';

const reader = (bytes: Buffer): DerReader =>
  new DerReader(bytes, { code: 'ERR_MTLS_CRL_INVALID', noun: 'CRL' });
const read = (bytes: Buffer): string => readDate(reader(bytes)).toISOString();

describe('a time is read', () => {
  test.each([
    ['the first of UTCTime', '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['the last of UTCTime', '491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['the last second of the century', '991231235959Z', '1999-12-31T23:59:59.000Z'],
    ['the first second of the next', '000101000000Z', '2000-01-01T00:00:00.000Z'],
    ['a leap day', '240229120000Z', '2024-02-29T12:00:00.000Z'],
    ['the leap day of 2000', '000229000000Z', '2000-02-29T00:00:00.000Z'],
    ['the second before 1970', '691231235959Z', '1969-12-31T23:59:59.000Z'],
    ['after 2049', '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['before 2050, though UTCTime was to be used', '20300101000000Z', '2030-01-01T00:00:00.000Z'],
    ['before 1950', '19491231235959Z', '1949-12-31T23:59:59.000Z'],
    ['no end at all (RFC 5280 section 4.1.2.5)', '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['the first year', '00010101000000Z', '0001-01-01T00:00:00.000Z'],
    ['the leap day of 2400', '24000229000000Z', '2400-02-29T00:00:00.000Z'],
  ])('%s', (_name, digits, expected) => {
    expect(read(digits.length === 13 ? utcTime(digits) : generalizedTime(digits))).toBe(expected);
  });

  test('any second of 1950 to 2049 as UTCTime, and of the years 0 to 9999 as GeneralizedTime', () => {
    const second = (from: string, to: string): fc.Arbitrary<Date> =>
      fc
        .integer({ min: Date.parse(from) / 1000, max: Date.parse(to) / 1000 })
        .map((value) => new Date(value * 1000));
    fc.assert(
      fc.property(second('1950-01-01T00:00:00Z', '2049-12-31T23:59:59Z'), (date) => {
        expect(readTime(reader(utcTime(date))) * 1000).toBe(date.getTime());
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(second('0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'), (date) => {
        expect(readTime(reader(generalizedTime(date))) * 1000).toBe(date.getTime());
      }),
      { numRuns: 500 },
    );
  });

  test('every day of 1900 to 2400 is a day, and no 31st or 30th besides', () => {
    const wrong: string[] = [];
    for (let year = 1900; year <= 2400; year++) {
      for (let month = 1; month <= 12; month++) {
        const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
        for (const day of [1, 28, 29, 30, 31]) {
          const digits = `${year}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}000000Z`;
          const run = (): number => readTime(reader(generalizedTime(digits)));
          const isRight =
            day <= last
              ? run() * 1000 === Date.UTC(year, month - 1, day)
              : failureOf(run).message.includes('an invalid date');
          if (!isRight) wrong.push(digits);
        }
      }
    }
    // One expectation: Jest's own work for each of thirty thousand takes seconds.
    expect(wrong).toEqual([]);
  });
});

describe('an invalid date or form is rejected', () => {
  const wants = '(RFC 5280 section 4.1.2.5 requires UTC with seconds), at byte 2';
  const utc = (seen: string): string => `has a time that is not YYMMDDHHMMSSZ${seen} ${wants}`;
  const generalized = (seen: string): string => `has a time that is not YYYYMMDDHHMMSSZ${seen} ${wants}`;
  const calendar = 'has an invalid date, at byte 2';
  test.each([
    ['month 0', utcTime('250001000000Z'), calendar],
    ['month 13', utcTime('251301000000Z'), calendar],
    ['day 0', utcTime('250100000000Z'), calendar],
    ['31 April', utcTime('250431000000Z'), calendar],
    ['30 February of a leap year', utcTime('240230000000Z'), calendar],
    ['29 February of 2025', utcTime('250229000000Z'), calendar],
    ['29 February of 2100', generalizedTime('21000229000000Z'), calendar],
    ['hour 24', utcTime('250101240000Z'), calendar],
    ['minute 60', utcTime('250101006000Z'), calendar],
    ['a leap second', utcTime('161231235960Z'), calendar],
    ['no seconds', utcTime('2501010000Z'), utc(' but 2501010000Z')],
    ['an offset', utcTime('250101000000+0100'), utc(' but 250101000000+0100, with an offset from UTC')],
    ['no Z', utcTime('2501010000000'), utc(' but 2501010000000')],
    ['a lower-case z', utcTime('250101000000z'), utc(' but 250101000000z')],
    ['a fraction', generalizedTime('20250101000000.5Z'), generalized(' but 20250101000000.5Z')],
    ['a UTCTime of four-digit years', utcTime('20250101000000Z'), utc(' but 20250101000000Z')],
    [
      'a GeneralizedTime of two-digit years',
      generalizedTime('250101000000Z'),
      generalized(' but 250101000000Z'),
    ],
    ['an empty time', utcTime(''), utc('')],
    [
      'an offset in a GeneralizedTime',
      generalizedTime('20250101000000-05'),
      generalized(' but 20250101000000-05, with an offset from UTC'),
    ],
    ['an escape sequence, which is not shown', utcTime('\u001b[2J'), utc('')],
    ['a longer one, which is cut', utcTime('1'.repeat(40)), utc(` but ${'1'.repeat(30)}`)],
    ['a letter', utcTime('25010100000aZ'), 'has a time with characters other than digits, at byte 12'],
    ['a sign', utcTime('-50101000000Z'), 'has a time with characters other than digits, at byte 2'],
    ['a space', utcTime('25 101000000Z'), 'has a time with characters other than digits, at byte 4'],
    ['a slash, which stands before 0', utcTime('/50101000000Z'), 'characters other than digits, at byte 2'],
    ['a colon, which stands after 9', utcTime(':50101000000Z'), 'characters other than digits, at byte 2'],
    ['no time', integer(1), 'has another element where a time was expected, at byte 0'],
  ])('%s', (_name, bytes, message) => {
    const failure = failureOf(() => readTime(reader(bytes)));
    expect(failure.code).toBe('ERR_MTLS_CRL_INVALID');
    expect(failure.message).toContain(message);
  });
});
