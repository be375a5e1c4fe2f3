/**
 * Changes to bytes that were good, for tests of what reads bytes: bits, pieces, and
 * elements of DER with the lengths around them corrected.
 *
 * @module
 */
import fc from 'fast-check';
import { element } from './der-writer.js';

/** Any bytes. */
export const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: 'max' }).map((array) => Buffer.from(array));
/** A place in some bytes, as a part of their length: from 0 to 1. */
// fc.double() would be uniform over the doubles, of which nearly all are next to zero.
export const place = fc.nat(0xffff_ffff).map((value) => value / 2 ** 32);

/** A change to some bytes. */
export type Mutation = (input: Buffer) => Buffer;
/** The index of a place. */
export const at = (input: Buffer, where: number): number => Math.floor(where * input.length);
const patched = (input: Buffer, index: number, octet: number): Buffer => {
  const copy = Buffer.from(input);
  if (index < copy.length) copy[index] = octet;
  return copy;
};

const bitFlip = fc.tuple(place, fc.nat(7)).map(
  ([where, bit]): Mutation =>
    (input) =>
      patched(input, at(input, where), (input[at(input, where)] ?? 0) ^ (1 << bit)),
);
const truncation = place.map(
  (where): Mutation =>
    (input) =>
      input.subarray(0, at(input, where)),
);
const extension = bytes(8).map(
  (tail): Mutation =>
    (input) =>
      Buffer.concat([input, tail]),
);
const insertion = fc.tuple(place, bytes(8)).map(
  ([where, what]): Mutation =>
    (input) =>
      Buffer.concat([input.subarray(0, at(input, where)), what, input.subarray(at(input, where))]),
);
const removal = fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(
  ([where, length]): Mutation =>
    (input) =>
      Buffer.concat([input.subarray(0, at(input, where)), input.subarray(at(input, where) + length)]),
);
/** Overwrites a byte with one that matters: a length, a tag, a character of PEM. */
const special = fc
  .tuple(
    place,
    fc.constantFrom(
      0,
      1,
      0x7f,
      0x80,
      0x81,
      0x82,
      0x84,
      0x85,
      0xff,
      0x30,
      0x31,
      0xa0,
      0x06,
      0x0c,
      0x1e,
      0x2d,
      0x3d,
      0x0a,
    ),
  )
  .map(
    ([where, octet]): Mutation =>
      (input) =>
        patched(input, at(input, where), octet),
  );

/** Where the elements of `input` stand, so that a change can reach what a reader would only skip. */
function elementsOf(
  input: Buffer,
  start = 0,
  end = input.length,
  into: [start: number, content: number, end: number][] = [],
): typeof into {
  for (let offset = start; offset + 2 <= end;) {
    const tag = input[offset] ?? 0;
    let length = input[offset + 1] ?? 0;
    let content = offset + 2;
    if (length > 0x80 && length <= 0x84) {
      const octets = length & 0x7f;
      if (content + octets > end) break;
      length = input.readUIntBE(content, octets);
      content += octets;
    } else if (length >= 0x80) break;
    if (content + length > end) break;
    into.push([offset, content, content + length]);
    // Into constructed ones, and into the OCTET STRINGs of extensions.
    if ((tag & 0x20) !== 0 || tag === 0x04) elementsOf(input, content, content + length, into);
    offset = content + length;
  }
  return into;
}

/** Writes one element anew and corrects the lengths of all those around it: what is left is DER. */
function replaceElement(input: Buffer, where: number, change: (element: Buffer) => Buffer): Buffer {
  const elements = elementsOf(input);
  const target = elements[Math.floor(where * elements.length)];
  if (target === undefined) return input;
  let [start, , end] = target;
  let replacement = change(input.subarray(start, end));
  const around = elements.filter(
    (outer) => outer[1] <= target[0] && outer[2] >= target[2] && outer !== target,
  );
  for (const [outerStart, outerContent, outerEnd] of around.reverse()) {
    const content = Buffer.concat([
      input.subarray(outerContent, start),
      replacement,
      input.subarray(end, outerEnd),
    ]);
    replacement = element(input[outerStart] ?? 0, content);
    [start, end] = [outerStart, outerEnd];
  }
  return Buffer.concat([input.subarray(0, start), replacement, input.subarray(end)]);
}

/** A change that leaves DER: it reaches what a reader would only skip. */
export const structural = fc
  .tuple(
    place,
    fc.oneof(
      fc.constant(() => Buffer.alloc(0)),
      fc.constant((old: Buffer) => Buffer.concat([old, old])),
      fc.nat(255).map((tag) => (old: Buffer) => Buffer.concat([Buffer.from([tag]), old.subarray(1)])),
      bytes(12).map((content) => (old: Buffer) => element(old[0] ?? 0, content)),
      fc
        .tuple(
          fc.constantFrom(
            0x02,
            0x03,
            0x05,
            0x06,
            0x0c,
            0x13,
            0x14,
            0x16,
            0x17,
            0x18,
            0x1c,
            0x1e,
            0x30,
            0x31,
            0x80,
            0xa0,
          ),
          bytes(16),
        )
        .map(
          ([tag, content]) =>
            () =>
              element(tag, content),
        ),
      fc.constant((old: Buffer) => element(old[0] ?? 0, old)),
    ),
  )
  .map(
    ([where, change]): Mutation =>
      (input) =>
        replaceElement(input, where, change),
  );

/** One to four changes of every kind. */
export const mutations = fc.array(
  fc.oneof(bitFlip, truncation, extension, insertion, removal, special, { arbitrary: structural, weight: 6 }),
  { minLength: 1, maxLength: 4 },
);
