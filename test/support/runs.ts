/**
 * How often a property is tried, and what it is tried with.
 *
 * @module
 */
import fc from 'fast-check';

const wanted = Number(process.env['FUZZ_RUNS'] ?? 0);

/** The `numRuns` of a property: `usual`, or as many as `FUZZ_RUNS` asks for if that is more. CI asks for 2,000. */
export function runs(usual: number): number {
  return Math.max(usual, wanted);
}

/** Any character but a surrogate. The unit `'binary'` is the same, but takes a second to build its table. */
export const character = fc
  .integer({ min: 0, max: 0x10_ffff - 0x800 })
  .map((point) => String.fromCodePoint(point < 0xd800 ? point : point + 0x800));
