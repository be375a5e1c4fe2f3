/**
 * Validity periods, and the two ASN.1 forms of a time in OpenSSL's database.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { millisecondsIn } from '../time-span.js';

const dayMs = millisecondsIn.day;
const backdatingMs = 5 * 60_000;

/** A period of time in whole seconds, as in X.509. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * The period from shortly before `nowMs`, for peers whose clock is slow, to `days` after it.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if `days` is not above 0 and at most 36_500
 */
export function validityFrom(nowMs: number, days: number): Validity {
  return { notBefore: wholeSeconds(nowMs - backdatingMs), notAfter: daysAfter(nowMs, days) };
}

/**
 * The instant `days` after `nowMs`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if `days` is not above 0 and at most 36_500
 */
export function daysAfter(nowMs: number, days: number): Date {
  if (!(days > 0 && days <= 36_500)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `days is ${String(days)}`,
      remedy: 'use a number above 0, at most 36500',
    });
  }
  return wholeSeconds(nowMs + days * dayMs);
}

/** The instant `ms`, rounded down to a whole second. */
export function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

/** Formats a time as `YYMMDDHHMMSSZ`, or `YYYYMMDDHHMMSSZ` from 2050 on (RFC 5280 section 4.1.2.5). */
export function formatTime(time: Date): string {
  const digits = time
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return time.getUTCFullYear() < 2050 ? digits.slice(2) : digits;
}

/** Parses the formats of {@link formatTime}; `undefined` for anything else. */
export function parseTime(text: string): Date | undefined {
  const parts = /^(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (parts === null) return undefined;
  const [, century, year = '', month = '', day = '', hour = '', minute = '', second = ''] = parts;
  const century2 = century ?? (Number(year) < 50 ? '20' : '19');
  const time = new Date(`${century2}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
