/**
 * A packed set of serial numbers of one length: 6 bytes per entry beside the serial number, and a lookup reads only a
 * few adjacent rows.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { revocationReasons } from '../x509/crl-entry.js';

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

/** The rows to pack: the offset of each serial number in `bytes`, and its data. */
export interface SerialRows {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly dates: Uint32Array;
  readonly reasons: Uint8Array;
}

const rowsPerBucket = 4;

/** A secret key for the hash. Tables with the same key can be compared bucket by bucket. */
export function randomSeed(): Uint32Array {
  return randomFillSync(new Uint32Array(2));
}

/** The size of a table. */
export interface TableSize {
  /** The number of serial numbers. */
  readonly count: number;
  /** The length of each in octets. */
  readonly width: number;
}

/** What the tables of one index share. With memory of its own, even a short table would take whole pages. */
export interface TableSpace {
  /** The secret key of the hash. */
  readonly seed: Uint32Array;
  readonly memory: TableMemory;
}

/** Packs rows whose serial numbers are all `width` octets long, with a counting sort by bucket. */
export function packSerials(rows: SerialRows, width: number, { seed, memory }: TableSpace): SerialTableData {
  const count = rows.offsets.length;
  const table: SerialTableData = {
    width,
    seed,
    starts: memory.takeWords(bucketsFor(count) + 1),
    serials: memory.takeOctets(count * width),
    dates: memory.takeWords(count),
    reasons: memory.takeOctets(count),
  };
  // One loop per function: V8 compiles a function anew for each long-running loop in it.
  const buckets = countBuckets(rows, table);
  sumUp(table.starts);
  placeRows(rows, buckets, table);
  const kept = dropRepeats(table);
  if (kept === count) return table;
  return {
    ...table,
    serials: table.serials.subarray(0, kept * width),
    dates: table.dates.subarray(0, kept),
    reasons: table.reasons.subarray(0, kept),
  };
}

function bucketsFor(count: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(count / rowsPerBucket)));
}

/** Memory for tables, allocated at once and shared between threads. */
export class TableMemory {
  readonly #words: Uint32Array;
  readonly #octets: Uint8Array;
  #nextWord = 0;
  #nextOctet = 0;

  /** Allocates the memory that all these tables need. */
  constructor(tables: readonly TableSize[]) {
    let words = 0;
    let octets = 0;
    for (const { count, width } of tables) {
      words += bucketsFor(count) + 1 + count;
      octets += count * (width + 1);
    }
    this.#words = new Uint32Array(allocate(words * 4), 0, words);
    this.#octets = new Uint8Array(allocate(octets), 0, octets);
  }

  /** The next `length` words. */
  takeWords(length: number): Uint32Array {
    return this.#words.subarray(this.#nextWord, (this.#nextWord += length));
  }

  /** The next `length` octets. */
  takeOctets(length: number): Uint8Array {
    return this.#octets.subarray(this.#nextOctet, (this.#nextOctet += length));
  }
}

/**
 * Allocates memory that threads share. It is growable, although it never grows: growable memory is mapped separately
 * and returns to the operating system as a whole. Other memory would remain between blocks that the loading thread
 * freed.
 */
function allocate(bytes: number): SharedArrayBuffer {
  const Growable = SharedArrayBuffer as new (
    length: number,
    options: { maxByteLength: number },
  ) => SharedArrayBuffer;
  return new Growable(bytes, { maxByteLength: Math.max(bytes, 1) });
}

/** The bucket of each row. Adds the size of bucket b to `starts[b + 1]`. */
function countBuckets({ bytes, offsets }: SerialRows, { width, seed, starts }: SerialTableData): Uint32Array {
  const buckets = new Uint32Array(offsets.length);
  const mask = starts.length - 2;
  for (let row = 0; row < offsets.length; row++) {
    const bucket = hashSerial(bytes, offsets[row] as number, width, seed) & mask;
    buckets[row] = bucket;
    starts[bucket + 1] = (starts[bucket + 1] as number) + 1;
  }
  return buckets;
}

function sumUp(counts: Uint32Array): void {
  for (let index = 1; index < counts.length; index++)
    counts[index] = (counts[index] as number) + (counts[index - 1] as number);
}

function placeRows(rows: SerialRows, buckets: Uint32Array, table: SerialTableData): void {
  const { width, starts, serials, dates, reasons } = table;
  const next = starts.slice(0, -1);
  for (let row = 0; row < buckets.length; row++) {
    const bucket = buckets[row] as number;
    const place = next[bucket] as number;
    next[bucket] = place + 1;
    const from = rows.offsets[row] as number;
    for (let octet = 0; octet < width; octet++)
      serials[place * width + octet] = rows.bytes[from + octet] as number;
    dates[place] = rows.dates[row] as number;
    reasons[place] = rows.reasons[row] as number;
  }
}

/** The reason that lifts a hold, as an index into `revocationReasons`. */
export const lifting: number = revocationReasons.indexOf('removeFromCRL');

/**
 * Keeps one row per serial number, so that a CRL that repeats one a million times is not slower to search. If an
 * entry that revokes and one that lifts a hold have the same serial number, the former is kept. Rows only move
 * to lower indexes.
 * @returns The number of rows kept.
 */
function dropRepeats(table: SerialTableData): number {
  const { width, starts, serials, dates, reasons } = table;
  let kept = 0;
  let row = 0;
  for (let bucket = 0; bucket < starts.length - 1; bucket++) {
    const first = kept;
    const end = starts[bucket + 1] as number;
    for (; row < end; row++) {
      const same = findRow(table, first, kept, serials, row * width);
      const target = same < 0 ? kept++ : same;
      if (same >= 0 && reasons[same] !== lifting) continue;
      if (target === row) continue;
      serials.copyWithin(target * width, row * width, (row + 1) * width);
      dates[target] = dates[row] as number;
      reasons[target] = reasons[row] as number;
    }
    starts[bucket + 1] = kept;
  }
  return kept;
}

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
  const { width, starts, serials } = table;
  const buckets = starts.length - 1;
  const mask = other.starts.length - 2;
  const isSameOrder = mask < buckets && table.seed.every((word, index) => word === other.seed[index]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const end = starts[bucket + 1] as number;
    for (let row = starts[bucket] as number; row < end; row++) {
      const place = (isSameOrder ? bucket : hashSerial(serials, row * width, width, other.seed)) & mask;
      const same = findInBucket(other, place, serials, row * width);
      if (same < 0 || marks[row] === lifted) continue;
      marks[row] = other.reasons[same] === lifting ? lifted : listed;
    }
  }
}

/** The row that holds `serial`, or -1. */
export function findSerial(table: SerialTableData, serial: Uint8Array): number {
  const { width, seed, starts } = table;
  if (serial.length !== width) return -1;
  return findInBucket(table, hashSerial(serial, 0, width, seed) & (starts.length - 2), serial, 0);
}

/** The row of a bucket that holds the serial number at `offset` of `bytes`, or -1. */
function findInBucket(table: SerialTableData, bucket: number, bytes: Uint8Array, offset: number): number {
  const { starts } = table;
  return findRow(table, starts[bucket] as number, starts[bucket + 1] as number, bytes, offset);
}

/** The first row between `from` and `end` that holds the serial number at `offset` of `bytes`, or -1. */
function findRow(
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

/** HalfSipHash-1-3 (Aumasson and Bernstein) of `width` octets, 32 bits: keyed, and computed in 32-bit words. */
function hashSerial(bytes: Uint8Array, offset: number, width: number, seed: Uint32Array): number {
  const key0 = seed[0] as number;
  const key1 = seed[1] as number;
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  const whole = width & ~3;
  // The last word holds the remaining octets and the length, as the hash defines it. Three final rounds follow.
  for (let index = 0; index <= whole + 12; index += 4) {
    let word = 0;
    if (index <= whole) {
      const end = Math.min(4, width - index);
      for (let octet = 0; octet < end; octet++)
        word |= (bytes[offset + index + octet] as number) << (8 * octet);
      if (index === whole) word |= width << 24;
      v3 ^= word;
    } else if (index === whole + 4) {
      v2 ^= 0xff;
    }
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
