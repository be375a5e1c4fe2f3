/**
 * The typical entries of long CRLs: a serial number, a UTCTime, and at most a reason. As few functions as possible
 * read them, because V8 compiles each hot function on a separate thread, and several at once would slow down requests.
 *
 * @module
 */
import { daysUntil } from './time.js';

/** The fields of a plain entry; overwritten by the next entry. */
export interface PlainEntry {
  /** The position of the serial number's content octets in the CRL. */
  serialStart: number;
  serialEnd: number;
  /** Seconds since 1970. */
  revocationDate: number;
  /** An index into `revocationReasons`; 0 if there is no reason. */
  reason: number;
}

const unusedReason = 7;
const lastReason = 10;

// 2.5.29.21 with an ENUMERATED, up to its value.
const reasonHead = Buffer.from('300c300a0603551d1504030a01', 'hex');
const timeLength = 15;

// The 29th of February is left to the general reader.
const daysInMonth = Buffer.from([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);

/**
 * Reads a plain entry at `start`.
 * @returns The end of the entry; -1 if it is not plain or invalid. The general reader then reads it or reports the
 *   fault.
 */
export function readPlainEntry(bytes: Uint8Array, start: number, limit: number, entry: PlainEntry): number {
  const length = bytes[start + 1] as number;
  const end = start + 2 + length;
  if (length >= 0x80 || end > limit || bytes[start] !== 0x30 || bytes[start + 2] !== 0x02) return -1;
  const serial = start + 4;
  const time = serial + (bytes[start + 3] as number);
  const reasonLength = end - time - timeLength;
  if (reasonLength !== 0 && reasonLength !== reasonHead.length + 1) return -1;
  // X.690 section 8.3.2: the shortest form, with at least one octet.
  if (time - serial < 2) return -1;
  const first = bytes[serial] as number;
  const sign = (bytes[serial + 1] as number) & 0x80;
  if ((first === 0 && sign === 0) || (first === 0xff && sign !== 0)) return -1;
  if (bytes[time] !== 0x17 || bytes[time + 1] !== 13 || bytes[time + 14] !== 0x5a) return -1;
  const shortYear = readDigits(bytes, time + 2);
  const month = readDigits(bytes, time + 4);
  const day = readDigits(bytes, time + 6);
  const hour = readDigits(bytes, time + 8);
  const minute = readDigits(bytes, time + 10);
  const second = readDigits(bytes, time + 12);
  if (month < 1 || month > 12 || day < 1 || day > (daysInMonth[month] as number)) return -1;
  if (shortYear < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return -1;
  let reason = 0;
  if (reasonLength !== 0) {
    const head = time + timeLength;
    for (let index = 0; index < reasonHead.length; index++) {
      if (bytes[head + index] !== reasonHead[index]) return -1;
    }
    reason = bytes[end - 1] as number;
    if (reason > lastReason || reason === unusedReason) return -1;
  }
  const year = shortYear + (shortYear < 50 ? 2000 : 1900);
  entry.serialStart = serial;
  entry.serialEnd = time;
  entry.revocationDate = daysUntil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
  entry.reason = reason;
  return end;
}

/** The number that two ASCII digits write; -1 if they are not digits. */
function readDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}
