/**
 * UTCTime and GeneralizedTime as restricted by RFC 5280 section 4.1.2.5: always with seconds and `Z`, without
 * fractions.
 *
 * @module
 */
import { type DerReader, Tag } from './der.js';

const cumulativeDays = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** Reads a Time and returns seconds since 1970. Allocates nothing. */
export function readTime(reader: DerReader): number {
  reader.next();
  const { tag, contentStart: start, contentEnd: end } = reader;
  if (tag !== Tag.utcTime && tag !== Tag.generalizedTime) {
    reader.fail('has another element where a time was expected', reader.elementStart);
  }
  const yearDigits = tag === Tag.utcTime ? 2 : 4;
  if (end - start !== yearDigits + 11 || reader.bytes[end - 1] !== 0x5a) failForm(reader);
  let year = twoDigits(reader, start);
  if (yearDigits === 4) year = year * 100 + twoDigits(reader, start + 2);
  else year += year < 50 ? 2000 : 1900;
  const rest = start + yearDigits;
  const month = twoDigits(reader, rest);
  const day = twoDigits(reader, rest + 2);
  const hour = twoDigits(reader, rest + 4);
  const minute = twoDigits(reader, rest + 6);
  const second = twoDigits(reader, rest + 8);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (
    month < 1 ||
    month > 12 ||
    day < 1 ||
    day > daysIn(month, leap) ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  ) {
    reader.fail('has an invalid date', start);
  }
  return daysUntil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

/** Describes a time in another form, if it is text. */
function failForm(reader: DerReader): never {
  const { bytes, contentStart, contentEnd, tag, subject } = reader;
  const form = tag === Tag.utcTime ? 'YYMMDDHHMMSSZ' : 'YYYYMMDDHHMMSSZ';
  const text = bytes.toString('latin1', contentStart, Math.min(contentEnd, contentStart + 30));
  const hasOffset = /^\d+[+-]\d+$/.test(text);
  const seen = /^[\d.,+Zz-]+$/.test(text)
    ? ` but ${text}${hasOffset ? ', with an offset from UTC' : ''}`
    : '';
  reader.fail(
    `has a time that is not ${form}${seen} (RFC 5280 section 4.1.2.5 requires UTC with seconds)`,
    contentStart,
    hasOffset ? subject.offsetRemedy : undefined,
  );
}

/** The number of days from 1970 to a valid date. */
export function daysUntil(year: number, month: number, day: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 477;
  const thisYear = (cumulativeDays[month - 1] as number) + (leap && month > 2 ? 1 : 0) + day - 1;
  return (year - 1970) * 365 + leapDays + thisYear;
}

/** {@link readTime} as a Date. */
export function readDate(reader: DerReader): Date {
  return new Date(readTime(reader) * 1000);
}

function daysIn(month: number, leap: boolean): number {
  if (month === 2) return leap ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function twoDigits(reader: DerReader, offset: number): number {
  const tens = (reader.bytes[offset] as number) - 0x30;
  const units = (reader.bytes[offset + 1] as number) - 0x30;
  if (tens < 0 || tens > 9 || units < 0 || units > 9)
    reader.fail('has a time with characters other than digits', offset);
  return tens * 10 + units;
}
