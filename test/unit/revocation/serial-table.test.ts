import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomSeed } from '../../../src/revocation/serial-hash.js';
import { packSerials, TableMemory } from '../../../src/revocation/serial-packing.js';
import { countMissingRows, findSerial, type SerialTableData } from '../../../src/revocation/serial-table.js';

/** Packs serial numbers of one length; the date of each is its place in the list. */
function pack(
  serials: readonly Uint8Array[],
  width: number,
  seed: Uint32Array = randomSeed(),
  reasons: readonly number[] = serials.map(() => 1),
): SerialTableData {
  const bytes = Buffer.concat([Buffer.from('ffff', 'hex'), ...serials]);
  return packSerials(
    {
      bytes,
      offsets: Uint32Array.from(serials, (_, index) => 2 + index * width),
      dates: Uint32Array.from(serials, (_, index) => index),
      reasons: Uint8Array.from(reasons),
    },
    width,
    { seed, memory: new TableMemory([{ count: serials.length, width }]) },
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('a table of serial numbers', () => {
  test('finds every serial number in it with its date and reason, and no other', () => {
    const lists = fc.integer({ min: 1, max: 40 }).chain((width) =>
      fc.tuple(
        fc.constant(width),
        // Few of one octet are different ones, so that some are listed twice.
        fc.array(
          fc.tuple(fc.uint8Array({ minLength: width, maxLength: width }), fc.constantFrom(0, 1, 8, 10)),
          { maxLength: 200 },
        ),
        fc.array(fc.uint8Array({ minLength: width, maxLength: width }), { maxLength: 20 }),
      ),
    );
    fc.assert(
      fc.property(lists, ([width, entries, strangers]) => {
        const serials = entries.map(([serial]) => serial);
        const reasons = entries.map(([, reason]) => reason);
        const table = pack(serials, width, randomSeed(), reasons);
        const places = new Map<string, number>();
        for (const [index, serial] of serials.entries()) {
          const known = places.get(hex(serial));
          // What lifts a hold gives way to what revokes.
          if (known === undefined || (reasons[known] === 8 && reasons[index] !== 8))
            places.set(hex(serial), index);
        }
        expect(table.dates).toHaveLength(places.size);
        for (const serial of [...serials, ...strangers]) {
          const row = findSerial(table, serial);
          const place = places.get(hex(serial));
          expect(row < 0).toBe(place === undefined);
          if (place === undefined) continue;
          expect(table.reasons[row]).toBe(reasons[place]);
          if (reasons[place] !== 8) expect(table.dates[row]).toBe(place);
        }
      }),
    );
  });

  test('a serial number that differs in any one octet is not found', () => {
    const serial = Buffer.from('0102030405060708090a0b0c0d0e0f1011121314', 'hex');
    for (let width = 1; width <= serial.length; width++) {
      const table = pack([serial.subarray(0, width)], width);
      for (let octet = 0; octet < width; octet++) {
        const other = Buffer.from(serial.subarray(0, width));
        other[octet] = (other[octet] as number) ^ 0x80;
        expect(findSerial(table, other)).toBe(-1);
      }
      expect(findSerial(table, serial.subarray(0, width))).toBe(0);
    }
  });

  test.each([
    ['shorter', '0203'],
    ['longer', '01020304'],
    ['the positive number of the same octets', '00010203'],
  ])('a serial number that is %s is not found', (_how, other) => {
    expect(findSerial(pack([Buffer.from('010203', 'hex')], 3), Buffer.from(other, 'hex'))).toBe(-1);
  });

  test('an empty table finds nothing', () => {
    expect(findSerial(pack([], 16), Buffer.alloc(16))).toBe(-1);
  });

  test('consecutive serial numbers are spread evenly over the buckets', () => {
    const serials = Array.from({ length: 100_000 }, (_, index) => {
      const serial = Buffer.alloc(16);
      serial.writeUInt32BE(index, 12);
      return serial;
    });
    const { starts } = pack(serials, 16);
    const sizes = Array.from({ length: starts.length - 1 }, (_, bucket) => {
      return (starts[bucket + 1] as number) - (starts[bucket] as number);
    });
    // 32,768 buckets of 3.05 on average. Were they drawn at random, 4.7 % would be empty.
    expect(sizes).toHaveLength(32_768);
    expect(Math.max(...sizes)).toBeLessThan(24);
    const empty = sizes.filter((size) => size === 0).length / sizes.length;
    expect(empty).toBeGreaterThan(0.035);
    expect(empty).toBeLessThan(0.06);
  });

  test('a serial number that is listed a hundred thousand times has one row, and others keep theirs', () => {
    const serials = Array.from({ length: 100_000 }, (_, index) => {
      const serial = Buffer.alloc(4);
      if (index % 1000 === 0) serial.writeUInt32BE(index);
      return serial;
    });
    const table = pack(serials, 4);
    expect(table.serials).toHaveLength(100 * 4);
    expect(Math.max(...table.starts)).toBe(100);
    for (let index = 0; index < 100_000; index += 1000)
      expect(table.dates[findSerial(table, serials[index] as Buffer)]).toBe(index);
  });

  test.each([
    [1, 1],
    [4, 1],
    [5, 2],
    [8, 2],
    [9, 4],
    [1000, 256],
  ])('%i serial numbers make %i buckets, of four at the most on average', (count, buckets) => {
    const serials = Array.from({ length: count }, (_, index) => Buffer.from([index >> 8, index & 0xff]));
    expect(pack(serials, 2).starts).toHaveLength(buckets + 1);
  });

  test('every table has a different hash key', () => {
    const seeds = Array.from({ length: 8 }, () => pack([Buffer.from([1])], 1).seed.join(' '));
    expect(new Set(seeds).size).toBe(8);
  });
});

// Of inputs 00, 00 01, 00 01 02, … under the key 00 01 … 07, from one octet on: the vectors of Linux's siphash test.
const vectors = [
  0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1, 0xc839caed,
  0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c, 0xd0257b04, 0x8b31d501, 0x2b1cd04b, 0x06712339,
  0x522aca67, 0x911bb605, 0x90a65f0e, 0xf826ef7b, 0x62512deb, 0x57150ad7, 0x5d473507, 0x1ec47442, 0xab64afd3,
  0x0a4100d0, 0x6d2ce652, 0x2331b6a3, 0x08d8791a, 0xbc6dda8d, 0xe0f6c934, 0xb0652033, 0x9b9851cc, 0x7c46fb7f,
  0x732ba8cb, 0xf142997a, 0xfcc9aa1b, 0x05327eb2,
];

test.each(vectors.map((hash, index) => [index + 1, hash]))(
  'the bucket of %i octets is that of HalfSipHash-1-3',
  (width, hash) => {
    const serial = Uint8Array.from({ length: width }, (_, index) => index);
    const buckets = 2 ** 16;
    // One row, in the bucket where the reference puts it: it is found there or nowhere.
    const starts = new Uint32Array(buckets + 1).fill(1, (hash % buckets) + 1);
    const table: SerialTableData = {
      width,
      seed: Uint32Array.of(0x03020100, 0x07060504),
      starts,
      serials: serial,
      dates: Uint32Array.of(0),
      reasons: Uint8Array.of(0),
    };
    expect(findSerial(table, serial)).toBe(0);
  },
);

test('tables of one index share two blocks of memory without overlap', () => {
  const sizes = [
    { count: 3, width: 2 },
    { count: 1, width: 20 },
    { count: 9, width: 1 },
  ];
  const space = { seed: randomSeed(), memory: new TableMemory(sizes) };
  const bytes = Buffer.from(Array.from({ length: 20 }, (_, index) => index));
  const tables = sizes.map(({ count, width }) =>
    packSerials(
      {
        bytes,
        offsets: Uint32Array.from({ length: count }, (_, index) => index),
        dates: Uint32Array.from({ length: count }, (_, index) => index),
        reasons: new Uint8Array(count),
      },
      width,
      space,
    ),
  );
  for (const [index, { count, width }] of sizes.entries()) {
    const table = tables[index] as SerialTableData;
    for (let row = 0; row < count; row++)
      expect(table.dates[findSerial(table, bytes.subarray(row, row + width))]).toBe(row);
  }
  const memory = new Set(
    tables.flatMap(({ starts, serials, dates, reasons }) =>
      [starts, serials, dates, reasons].map(({ buffer }) => buffer),
    ),
  );
  expect(memory.size).toBe(2);
});

describe('two tables', () => {
  const numbers = (from: number, to: number): Buffer[] =>
    Array.from({ length: to - from }, (_, index) => {
      const content = Buffer.alloc(4);
      content.writeUInt32BE(from + index);
      return content;
    });

  test.each([
    ['of one size', 0, 1000, 500, 1500, 500, 500],
    ['of which one has many more buckets', 0, 5000, 4990, 5010, 4990, 10],
    ['of which one is empty', 0, 10, 0, 0, 10, 0],
    ['that are the same', 0, 3000, 0, 3000, 0, 0],
  ])('%s are compared exactly, with one seed and with two', (_name, a, b, c, d, removed, added) => {
    const seed = randomSeed();
    const left = pack(numbers(a, b), 4, seed);
    for (const right of [pack(numbers(c, d), 4, seed), pack(numbers(c, d), 4)]) {
      expect(countMissingRows(left, [right])).toBe(removed);
      expect(countMissingRows(right, [left])).toBe(added);
    }
  });

  test('a much shorter one lists and lifts entries of the other', () => {
    const long = pack(numbers(0, 100), 4);
    const lists = pack(numbers(5, 7), 4);
    const lifts = pack(numbers(6, 7), 4, randomSeed(), [8]);
    expect(countMissingRows(long, [lists])).toBe(98);
    expect(countMissingRows(long, [lists, lifts])).toBe(99);
    expect(countMissingRows(long, [lifts, lists])).toBe(99);
  });
});

test('a table of several parts has every row once, with its own date', () => {
  const count = 100_000;
  const serials = Array.from({ length: count }, (_, index) => {
    const serial = Buffer.alloc(5, 1);
    // Each is listed twice; the first one counts.
    serial.writeUInt32BE(Math.imul(index >>> 1, 0x9e3779b1) >>> 0);
    return serial;
  });
  const table = pack(serials, 5);
  expect(table.dates).toHaveLength(count / 2);
  const wrong = serials.filter((serial, index) => table.dates[findSerial(table, serial)] !== (index & ~1));
  expect(wrong).toEqual([]);
});
