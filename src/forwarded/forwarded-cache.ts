/**
 * Looks up what was read of header lines. A map of strings would hash each value whole, which takes
 * longer than all the rest of a request: here a sample of it finds the place, and a comparison decides.
 *
 * @module
 */
import { type ForwardedLines } from './forwarded-certificate.js';

interface Entry<Value> {
  readonly lines: ForwardedLines;
  readonly value: Value;
}

/** What keeps the entries, and bounds them. */
export interface SlotStore<Stored> {
  /** What was put into a slot; `undefined` where there is nothing any more. */
  get(slot: number): Stored | undefined;
  /** Puts something into a slot, in the place of what was there. */
  put(slot: number, stored: Stored, weight: number): void;
}

/**
 * A cache by header lines, on a store with a bound, such as a `WeightedCache`. The lines of two clients may share a
 * slot: the later one takes it, and neither ever gets what belongs to the other.
 */
export class ForwardedCache<Value> {
  readonly #store: SlotStore<Entry<Value>>;

  constructor(store: SlotStore<Entry<Value>>) {
    this.#store = store;
  }

  /** What was put for these very lines; `undefined` where there is nothing any more. */
  get(lines: ForwardedLines): Value | undefined {
    const entry = this.#store.get(slotOf(lines));
    return entry !== undefined && isSame(entry.lines, lines) ? entry.value : undefined;
  }

  /**
   * Puts a value for these lines.
   * @param weight - About how many bytes the value takes. Those of the lines are added.
   */
  put(lines: ForwardedLines, value: Value, weight: number): void {
    const ofLines = lines.certificate.length + (lines.chain?.length ?? 0);
    this.#store.put(slotOf(lines), { lines, value }, weight + ofLines);
  }
}

function isSame(one: ForwardedLines, other: ForwardedLines): boolean {
  return one.certificate === other.certificate && one.chain === other.chain;
}

// Of each certificate that a CA issues, key and signature differ: a fifth of its characters, spread over the value.
const samples = 32;

/** Where lines are kept: a number of 32 bits that the same lines always have, and others seldom. */
export function slotOf({ certificate, chain }: ForwardedLines): number {
  const { length } = certificate;
  // A chain is the same for many clients, or there and not there for one: its length is enough.
  let slot = Math.imul(length, 65_599) ^ (chain?.length ?? -1);
  const step = Math.max(1, Math.floor(length / samples));
  for (let index = length - 1; index >= 0; index -= step)
    slot = Math.imul(slot, 31) + certificate.charCodeAt(index);
  return slot >>> 0;
}
