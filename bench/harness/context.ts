/**
 * The context of a benchmark.
 *
 * @module
 */
import { Material } from './material.js';
import type { BenchmarkResult } from './results.js';

export interface Context {
  /** Small counts: rough figures, to test that it runs. */
  readonly quick: boolean;
  /** Prints a line on stderr. */
  progress(text: string): void;
}

export type Benchmark = (context: Context) => Promise<BenchmarkResult>;

/** A resource with a process. */
interface Stoppable {
  stop(): Promise<void>;
}

/** The resources that a benchmark has started and written. All of them end with it. */
export class Bench {
  readonly material: Material = new Material();
  readonly #started: Stoppable[] = [];

  /** Runs a benchmark and cleans up afterwards. */
  static async run<Result>(benchmark: (bench: Bench) => Promise<Result>): Promise<Result> {
    const bench = new Bench();
    try {
      return await benchmark(bench);
    } finally {
      await bench.stopAll();
      bench.material.remove();
    }
  }

  /** Ends `thing` with the benchmark at the latest. */
  own<Thing extends Stoppable>(thing: Thing): Thing {
    this.#started.push(thing);
    return thing;
  }

  /** Ends everything that was started so far. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((thing) => thing.stop()));
  }
}

export const million = 1_000_000;

/** `1,000,000`. */
export function withCommas(count: number): string {
  return count.toLocaleString('en-US');
}

/** `'1,000,000 entries'`, `'no CRL'`. */
export function describeEntries(entries: number): string {
  return entries === 0 ? 'no CRL' : `${withCommas(entries)} entries`;
}
