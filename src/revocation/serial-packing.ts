/**
 * Packs serial numbers into a table, with work that grows with their number and memory access that stays local.
 *
 * @module
 */
import { hashSerial, viewOf } from './serial-hash.js';
import { findRow, lifting, type SerialTableData } from './serial-table.js';

/** The rows to pack: the offset of each serial number in `bytes`, and its data. */
export interface SerialRows {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly dates: Uint32Array;
  readonly reasons: Uint8Array;
}

const rowsPerBucket = 4;
/** The rows of a part take some hundred kilobytes. */
const bitsOfPart = 13;
const bucketsPerPart = 2 ** bitsOfPart;

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

/**
 * Packs rows whose serial numbers are all `width` octets long, with a counting sort by bucket. The rows are first
 * dealt to parts that fit into the cache of a core, and each part is finished before the next: ten million rows placed
 * one by one would each wait for memory.
 */
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
  const parts = new Uint32Array(Math.ceil((table.starts.length - 1) / bucketsPerPart) + 1);
  const buckets = hashRows(rows, table, parts);
  sumUp(parts);
  const dealt = dealRows(rows, buckets, table, parts);
  const copy = new RowCopy(largestOf(parts), width);
  let kept = 0;
  for (let part = 0; part < parts.length - 1; part++) {
    copy.take(table, parts[part] as number, parts[part + 1] as number);
    countBuckets(table, copy, dealt);
    const ends = startBuckets(table, copy, part);
    sortPart(table, copy, dealt);
    kept = dropRepeats(table, copy, ends, kept);
  }
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

/** The bucket of each row. Adds the number of rows of part p to `parts[p + 1]`. */
function hashRows(
  { bytes, offsets }: SerialRows,
  { width, seed, starts }: SerialTableData,
  parts: Uint32Array,
): Uint32Array {
  const buckets = new Uint32Array(offsets.length);
  const mask = starts.length - 2;
  const view = viewOf(bytes);
  for (let row = 0; row < offsets.length; row++) {
    const bucket = hashSerial(view, offsets[row] as number, width, seed) & mask;
    buckets[row] = bucket;
    const part = (bucket >>> bitsOfPart) + 1;
    parts[part] = (parts[part] as number) + 1;
  }
  return buckets;
}

function sumUp(counts: Uint32Array): void {
  for (let index = 1; index < counts.length; index++)
    counts[index] = (counts[index] as number) + (counts[index - 1] as number);
}

/** Copies the rows to the table, part by part, and returns the bucket of each. */
function dealRows(
  { bytes, offsets, dates, reasons }: SerialRows,
  buckets: Uint32Array,
  table: SerialTableData,
  parts: Uint32Array,
): Uint32Array {
  const { width, serials, dates: dealtDates, reasons: dealtReasons } = table;
  const next = parts.slice();
  const source = viewOf(bytes);
  const target = viewOf(serials);
  const dealt = new Uint32Array(buckets.length);
  for (let row = 0; row < buckets.length; row++) {
    const bucket = buckets[row] as number;
    const part = bucket >>> bitsOfPart;
    const place = next[part] as number;
    next[part] = place + 1;
    copySerial(source, offsets[row] as number, target, place * width, width);
    dealtDates[place] = dates[row] as number;
    dealtReasons[place] = reasons[row] as number;
    dealt[place] = bucket;
  }
  return dealt;
}

/** Copies one serial number, by word. */
function copySerial(source: DataView, from: number, target: DataView, to: number, width: number): void {
  const whole = width & ~3;
  let octet = 0;
  for (; octet < whole; octet += 4) target.setInt32(to + octet, source.getInt32(from + octet));
  for (; octet < width; octet++) target.setUint8(to + octet, source.getUint8(from + octet));
}

/** Adds the number of rows of bucket b of one part to `starts[b + 1]`. */
function countBuckets({ starts }: SerialTableData, { from, to }: RowCopy, dealt: Uint32Array): void {
  for (let row = from; row < to; row++) {
    const end = (dealt[row] as number) + 1;
    starts[end] = (starts[end] as number) + 1;
  }
}

/**
 * Replaces the number of rows of each bucket of one part with the first row of the bucket.
 * @returns This range of `starts`. After {@link sortPart} it holds the end of each bucket.
 */
function startBuckets({ starts }: SerialTableData, { from }: RowCopy, part: number): Uint32Array {
  const ends = starts.subarray(part * bucketsPerPart + 1, (part + 1) * bucketsPerPart + 1);
  let next = from;
  for (let index = 0; index < ends.length; index++) {
    const count = ends[index] as number;
    ends[index] = next;
    next += count;
  }
  return ends;
}

function largestOf(parts: Uint32Array): number {
  let largest = 0;
  for (let part = 1; part < parts.length; part++)
    largest = Math.max(largest, (parts[part] as number) - (parts[part - 1] as number));
  return largest;
}

/** A copy of the rows of one part after the other. */
class RowCopy {
  readonly serials: Uint8Array;
  readonly dates: Uint32Array;
  readonly reasons: Uint8Array;
  /** Where the rows are in the table. */
  from = 0;
  to = 0;

  constructor(rows: number, width: number) {
    this.serials = new Uint8Array(rows * width);
    this.dates = new Uint32Array(rows);
    this.reasons = new Uint8Array(rows);
  }

  /** Copies the rows of a part. */
  take({ width, serials, dates, reasons }: SerialTableData, from: number, to: number): void {
    this.from = from;
    this.to = to;
    this.serials.set(serials.subarray(from * width, to * width));
    this.dates.set(dates.subarray(from, to));
    this.reasons.set(reasons.subarray(from, to));
  }
}

/** Sorts the rows of one part by bucket. Meanwhile `starts[b + 1]` moves from the first row of bucket b to its end. */
function sortPart(
  { width, starts, serials, dates, reasons }: SerialTableData,
  { from, to, serials: oldSerials, dates: oldDates, reasons: oldReasons }: RowCopy,
  dealt: Uint32Array,
): void {
  const source = viewOf(oldSerials);
  const target = viewOf(serials);
  for (let row = from; row < to; row++) {
    const end = (dealt[row] as number) + 1;
    const place = starts[end] as number;
    starts[end] = place + 1;
    copySerial(source, (row - from) * width, target, place * width, width);
    dates[place] = oldDates[row - from] as number;
    reasons[place] = oldReasons[row - from] as number;
  }
}

/**
 * Keeps one row per serial number of one part, so that a CRL that repeats one a million times is not slower to
 * search. If an entry that revokes and one that lifts a hold have the same serial number, the former is kept. Rows
 * only move to lower indexes.
 * @param ends - Where each bucket of the part ends.
 * @param before - The number of rows kept of the parts before it.
 * @returns The number of rows kept, including these.
 */
function dropRepeats(table: SerialTableData, { from }: RowCopy, ends: Uint32Array, before: number): number {
  const { width, serials, dates, reasons } = table;
  let kept = before;
  let row = from;
  for (let index = 0; index < ends.length; index++) {
    const first = kept;
    const end = ends[index] as number;
    for (; row < end; row++) {
      const same = findRow(table, first, kept, serials, row * width);
      const target = same < 0 ? kept++ : same;
      if (same >= 0 && reasons[same] !== lifting) continue;
      if (target === row) continue;
      serials.copyWithin(target * width, row * width, (row + 1) * width);
      dates[target] = dates[row] as number;
      reasons[target] = reasons[row] as number;
    }
    ends[index] = kept;
  }
  return kept;
}
