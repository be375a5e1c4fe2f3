/**
 * A set of serial numbers of one length, packed: 6 bytes each beside the serial
 * itself, and one lookup reads a handful of neighbours.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { revocationReasons } from '../x509/crl-entry.js';

/** What the table keeps of each serial number, in typed arrays whose memory threads share. */
export interface SerialTableData {
  /** Octets of each serial number. */
  readonly width: number;
  /** The secret of the hash, two words: an issuer that knows the hash still cannot choose colliding serials. */
  readonly seed: Uint32Array;
  /** Bucket b holds the rows from `starts[b]` to `starts[b + 1]`. */
  readonly starts: Uint32Array;
  readonly serials: Uint8Array;
  /** Revocation dates, seconds since 1970; what lies outside 1970 to 2106 is cut to the edge. */
  readonly dates: Uint32Array;
  /** Indexes into `revocationReasons`. */
  readonly reasons: Uint8Array;
}

/** The rows to be packed: where each serial number lies in `bytes`, and what goes with it. */
export interface SerialRows {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly dates: Uint32Array;
  readonly reasons: Uint8Array;
}

const rowsPerBucket = 4;

/** The secret of a table's hash. Two tables with one seed can be compared bucket by bucket. */
export function randomSeed(): Uint32Array {
  return randomFillSync(new Uint32Array(2));
}

/** How large a table will be. */
export interface TableSize {
  /** How many serial numbers. */
  readonly count: number;
  /** Octets of each. */
  readonly width: number;
}

/** What tables of one index share: a table for itself would take whole pages of memory, however short it is. */
export interface TableSpace {
  /** The secret of the hash. */
  readonly seed: Uint32Array;
  readonly memory: TableMemory;
}

/** Packs rows whose serial numbers are all `width` octets long, by a counting sort over their buckets. */
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
  // A loop a function: V8 compiles a function anew for each loop that runs long.
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

/** Memory for tables, handed out piece by piece. Threads share it. */
export class TableMemory {
  readonly #words: Uint32Array;
  readonly #octets: Uint8Array;
  #nextWord = 0;
  #nextOctet = 0;

  /** Takes as much as these tables need together. */
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
 * Memory that threads share. Growable, though it never grows: such memory is mapped by itself, and goes back to
 * the operating system whole, where other memory would be left between what the loading thread has freed.
 */
function allocate(bytes: number): SharedArrayBuffer {
  const Growable = SharedArrayBuffer as new (
    length: number,
    options: { maxByteLength: number },
  ) => SharedArrayBuffer;
  return new Growable(bytes, { maxByteLength: Math.max(bytes, 1) });
}

/** The bucket of each row, and how many rows each bucket has: at its number and one. */
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

/** The reason that lifts a hold, an index into `revocationReasons`. */
export const lifting: number = revocationReasons.indexOf('removeFromCRL');

/**
 * Keeps one row of each serial number, so that a list that repeats one a million times is no slower to ask. Listed
 * twice, the entry that revokes counts, not the one that lifts a hold. Rows only move towards the front.
 * @returns How many rows are left.
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
 * How many serial numbers of a table none of the others lists, which have the same width. What lifts a hold lists
 * nothing, and what one of them lifts none of them lists. With the same seed, equal serials lie in buckets of equal
 * low bits, so that the tables are read nearly in order, and not all over.
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

/** Marks the rows of a table whose serial numbers another lists, or lifts: that stays, whichever of them is newer. */
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

/** The row that holds `serial`; -1 if none does. */
export function findSerial(table: SerialTableData, serial: Uint8Array): number {
  const { width, seed, starts } = table;
  if (serial.length !== width) return -1;
  return findInBucket(table, hashSerial(serial, 0, width, seed) & (starts.length - 2), serial, 0);
}

/** The row of a bucket that holds the serial number at `offset` of `bytes`; -1 if none does. */
function findInBucket(table: SerialTableData, bucket: number, bytes: Uint8Array, offset: number): number {
  const { starts } = table;
  return findRow(table, starts[bucket] as number, starts[bucket + 1] as number, bytes, offset);
}

/** The first row from `from` to `end` that holds the serial number at `offset` of `bytes`; -1 if none does. */
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

/** HalfSipHash-1-3 (Aumasson and Bernstein) of `width` octets, 32 bits: keyed, and made of 32-bit words. */
function hashSerial(bytes: Uint8Array, offset: number, width: number, seed: Uint32Array): number {
  const key0 = seed[0] as number;
  const key1 = seed[1] as number;
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  const whole = width & ~3;
  // The last word holds the octets that are left and the length, as the hash defines it; then three rounds to finish.
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
