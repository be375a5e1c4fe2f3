/**
 * A set of serial numbers of one length, packed: 6 bytes each beside the serial
 * itself, and one lookup reads a handful of neighbours.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';

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

/** One row to be packed: where its serial number lies in `bytes`, and what goes with it. */
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

/** Packs rows whose serial numbers are all `width` octets long, by a counting sort over their buckets. */
export function packSerials(rows: SerialRows, width: number, seed: Uint32Array): SerialTableData {
  const count = rows.offsets.length;
  const bucketCount = 2 ** Math.max(0, Math.ceil(Math.log2(count / rowsPerBucket)));
  const table: SerialTableData = {
    width,
    seed,
    starts: new Uint32Array(allocate((bucketCount + 1) * 4), 0, bucketCount + 1),
    serials: new Uint8Array(allocate(count * width), 0, count * width),
    dates: new Uint32Array(allocate(count * 4), 0, count),
    reasons: new Uint8Array(allocate(count), 0, count),
  };
  // A loop a function: V8 compiles a function anew for each loop that runs long.
  const buckets = countBuckets(rows, table);
  sumUp(table.starts);
  placeRows(rows, buckets, table);
  return table;
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

/**
 * How many rows of `left` are not in `right`, which has the same width. With the same seed, equal serials lie in
 * buckets of equal low bits, so that both tables are read nearly in order, and not all over.
 */
export function countMissingRows(left: SerialTableData, right: SerialTableData): number {
  const { width, starts, serials } = left;
  const buckets = starts.length - 1;
  const mask = right.starts.length - 2;
  const isSameOrder = mask < buckets && left.seed.every((word, index) => word === right.seed[index]);
  let missing = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const end = starts[bucket + 1] as number;
    for (let row = starts[bucket] as number; row < end; row++) {
      const place = (isSameOrder ? bucket : hashSerial(serials, row * width, width, right.seed)) & mask;
      if (nextRow(right, place, right.starts[place] as number, serials, row * width) < 0) missing++;
    }
  }
  return missing;
}

/** The rows that hold `serial`; nearly always none or one. */
export function findSerial(table: SerialTableData, serial: Uint8Array): number[] {
  const { width, seed, starts } = table;
  if (serial.length !== width) return [];
  const bucket = hashSerial(serial, 0, width, seed) & (starts.length - 2);
  const found: number[] = [];
  let row = nextRow(table, bucket, starts[bucket] as number, serial, 0);
  while (row >= 0) {
    found.push(row);
    row = nextRow(table, bucket, row + 1, serial, 0);
  }
  return found;
}

/** The first row of a bucket, from `row` on, that holds the serial number at `offset` of `bytes`; -1 if none does. */
function nextRow(
  { width, starts, serials }: SerialTableData,
  bucket: number,
  from: number,
  bytes: Uint8Array,
  offset: number,
): number {
  const end = starts[bucket + 1] as number;
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
