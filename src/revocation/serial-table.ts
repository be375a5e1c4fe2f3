/**
 * A packed set of serial numbers of one length: 6 bytes per entry beside the serial number, and a lookup reads only a
 * few adjacent rows.
 *
 * @module
 */
import { revocationReasons } from '../x509/crl-entry.js';
import { hashSerial, viewOf } from './serial-hash.js';

/** The data of a table, in typed arrays whose memory threads share. */
export interface SerialTableData {
  /** The length of each serial number in octets. */
  readonly width: number;
  /** The secret key of the hash, two words: without it, an issuer cannot choose colliding serial numbers. */
  readonly seed: Uint32Array;
  /** Bucket b holds the rows from `starts[b]` to `starts[b + 1]`. */
  readonly starts: Uint32Array;
  readonly serials: Uint8Array;
  /** Revocation dates in seconds since 1970, clamped to the range from 1970 to 2106. */
  readonly dates: Uint32Array;
  /** Indexes into `revocationReasons`. */
  readonly reasons: Uint8Array;
}

/** The reason that lifts a hold, as an index into `revocationReasons`. */
export const lifting: number = revocationReasons.indexOf('removeFromCRL');

/**
 * Counts the serial numbers of a table that none of the others, of the same width, lists. An entry that lifts a hold
 * does not list its serial number, and overrides the others that do. With the same seed, equal serial numbers are in
 * buckets with equal low bits, so the tables are read almost sequentially.
 */
export function countMissingRows(table: SerialTableData, others: readonly SerialTableData[]): number {
  const { reasons } = table;
  const marks = new Uint8Array(reasons.length);
  for (const other of others) markKnown(table, other, marks);
  let missing = 0;
  for (let row = 0; row < marks.length; row++) {
    if (reasons[row] !== lifting && marks[row] !== listed) missing++;
  }
  return missing;
}

const listed = 1;
const lifted = 2;

/** Marks the rows whose serial number another table lists or lifts. A lifted one stays so, whichever table is newer. */
function markKnown(table: SerialTableData, other: SerialTableData, marks: Uint8Array): void {
  if (other.reasons.length < table.reasons.length / 8) markEachOf(other, table, marks);
  else markEach(table, other, marks);
}

/** Looks up every row of the table. */
function markEach(table: SerialTableData, other: SerialTableData, marks: Uint8Array): void {
  const { width, starts, serials } = table;
  const buckets = starts.length - 1;
  const mask = other.starts.length - 2;
  const view = viewOf(serials);
  const isSameOrder = mask < buckets && table.seed.every((word, index) => word === other.seed[index]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const end = starts[bucket + 1] as number;
    for (let row = starts[bucket] as number; row < end; row++) {
      const place = (isSameOrder ? bucket : hashSerial(view, row * width, width, other.seed)) & mask;
      const same = findInBucket(other, place, serials, row * width);
      if (same >= 0) mark(marks, row, other.reasons[same] as number);
    }
  }
}

/** Looks up every row of the other table, which is much shorter. */
function markEachOf(other: SerialTableData, table: SerialTableData, marks: Uint8Array): void {
  const { width, serials, reasons } = other;
  const mask = table.starts.length - 2;
  const view = viewOf(serials);
  for (let row = 0; row < reasons.length; row++) {
    const place = hashSerial(view, row * width, width, table.seed) & mask;
    const same = findInBucket(table, place, serials, row * width);
    if (same >= 0) mark(marks, same, reasons[row] as number);
  }
}

function mark(marks: Uint8Array, row: number, reason: number): void {
  if (marks[row] !== lifted) marks[row] = reason === lifting ? lifted : listed;
}

/** The row that holds `serial`, or -1. */
export function findSerial(table: SerialTableData, serial: Uint8Array): number {
  const { width, seed, starts } = table;
  if (serial.length !== width) return -1;
  return findInBucket(table, hashSerial(viewOf(serial), 0, width, seed) & (starts.length - 2), serial, 0);
}

/** The row of a bucket that holds the serial number at `offset` of `bytes`, or -1. */
function findInBucket(table: SerialTableData, bucket: number, bytes: Uint8Array, offset: number): number {
  const { starts } = table;
  return findRow(table, starts[bucket] as number, starts[bucket + 1] as number, bytes, offset);
}

/** The first row between `from` and `end` that holds the serial number at `offset` of `bytes`, or -1. */
export function findRow(
  { width, serials }: SerialTableData,
  from: number,
  end: number,
  bytes: Uint8Array,
  offset: number,
): number {
  for (let row = from; row < end; row++) {
    let octet = 0;
    while (octet < width && serials[row * width + octet] === bytes[offset + octet]) octet++;
    if (octet === width) return row;
  }
  return -1;
}
