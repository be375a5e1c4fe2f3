/**
 * The faults of the sources, from when they are first seen until they are fixed.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { combined, type SourceFault } from '../material/source-fault.js';
import { type SourceWatch } from '../material/source-watch.js';
import { type RecoveredEvent, type StandingFault } from './events.js';
import { type Reporter } from './reporter.js';

// A certificate and its key are replaced one after the other, so a mismatch may be temporary.
const pairTimeoutMs = 10_000;

/** Keeps the faults of the last reading. Reports each when it appears and when it is fixed. */
export class StandingFaults {
  readonly #reporter: Reporter;
  readonly #now: () => number;
  readonly #sources: Pick<SourceWatch, 'isRemoved'>;
  #standing: readonly StandingFault[] = Object.freeze([]);
  /** Since when each pair has not matched, by source; by `performance.now()`. */
  readonly #halves = new Map<string, number>();

  /**
   * @param sources - Tells whether a source was removed.
   */
  constructor(reporter: Reporter, now: () => number, sources: Pick<SourceWatch, 'isRemoved'>) {
    this.#reporter = reporter;
    this.#now = now;
    this.#sources = sources;
  }

  /** The standing faults. */
  get list(): readonly StandingFault[] {
    return this.#standing;
  }

  /** One error for all of them; `undefined` if there is none. */
  get error(): MtlsError | undefined {
    return combined(this.#standing);
  }

  /**
   * Replaces the faults with those of a new reading.
   * @param mayWait - Whether to wait for the other half of a new pair before it is a fault.
   * @returns The milliseconds until a waiting pair becomes a fault; `undefined` if none is waiting.
   */
  replace(faults: readonly SourceFault[], mayWait: boolean): number | undefined {
    const halves = faults.filter(({ isHalf }) => isHalf === true);
    for (const source of this.#halves.keys())
      if (!halves.some((half) => half.source === source)) this.#halves.delete(source);
    for (const { source } of halves)
      if (!this.#halves.has(source)) this.#halves.set(source, performance.now());
    const waits = halves.map(({ source }) => this.#waitOf(source)).filter((wait) => wait > 0);
    const counted = faults.filter((fault) => !mayWait || !halves.includes(fault) || this.#isDue(fault));
    this.#stand(counted);
    return mayWait && waits.length > 0 ? Math.min(...waits) : undefined;
  }

  #waitOf(source: string): number {
    return (this.#halves.get(source) ?? 0) + pairTimeoutMs - performance.now();
  }

  #isDue(fault: SourceFault): boolean {
    return this.#waitOf(fault.source) <= 0 || this.#find(fault) !== undefined;
  }

  #find(fault: SourceFault): StandingFault | undefined {
    const key = keyOf(fault);
    return this.#standing.find((one) => keyOf(one) === key);
  }

  #stand(faults: readonly SourceFault[]): void {
    const since = new Date(this.#now());
    const before = this.#standing;
    const known = new Map(before.map((fault) => [keyOf(fault), fault]));
    const next = new Map(
      faults.map((fault) => [
        keyOf(fault),
        known.get(keyOf(fault)) ?? Object.freeze({ source: fault.source, error: fault.error, since }),
      ]),
    );
    this.#standing = Object.freeze([...next.values()]);
    for (const fault of this.#standing)
      if (!before.includes(fault)) this.#reporter.emit('reload-failed', fault);
    const sources = new Set(this.#standing.map(({ source }) => source));
    for (const fault of before)
      if (!sources.has(fault.source)) this.#reporter.emit('recovered', this.#endOf(fault));
  }

  #endOf(fault: StandingFault): RecoveredEvent {
    return Object.freeze({ ...fault, removed: this.#sources.isRemoved(fault.source) });
  }
}

/** Identifies a fault across readings. */
function keyOf({ source, error }: SourceFault): string {
  // Without the remedy, which may contain the current time.
  const kindOf = ({ code, seen, errors }: MtlsError): string =>
    errors === undefined ? `${code} ${seen}` : errors.map(kindOf).join('\n');
  return `${source} ${kindOf(error)}`;
}
