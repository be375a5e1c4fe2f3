/**
 * Looks up what was read from header lines. A Map would hash each value whole, which takes 1 to 7 µs; here a
 * sample of the value finds the slot, and a comparison of the whole decides.
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
  /** What is in a slot; `undefined` where it is empty. */
  get(slot: number): Stored | undefined;
  /** Puts something into a slot, and replaces what is in it. */
  put(slot: number, stored: Stored, weight: number): void;
}

/**
 * A cache keyed by header lines, on top of a bounded store such as a `WeightedCache`. Two clients may share a slot: the
 * later one replaces the earlier one, and neither gets what belongs to the other.
 */
export class ForwardedCache<Value> {
  readonly #store: SlotStore<Entry<Value>>;

  constructor(store: SlotStore<Entry<Value>>) {
    this.#store = store;
  }

  /** What was put for the same lines; `undefined` where it was not, or was dropped. */
  get(lines: ForwardedLines): Value | undefined {
    const entry = this.#store.get(slotOf(lines));
    return entry !== undefined && isSame(entry.lines, lines) ? entry.value : undefined;
  }

  /**
   * Puts a value for these lines.
   * @param weight - About how many bytes the value takes. The length of the lines is added.
   */
  put(lines: ForwardedLines, value: Value, weight: number): void {
    const ofLines = lines.certificate.length + (lines.chain?.length ?? 0);
    this.#store.put(slotOf(lines), { lines, value }, weight + ofLines);
  }
}

function isSame(one: ForwardedLines, other: ForwardedLines): boolean {
  return one.certificate === other.certificate && one.chain === other.chain;
}

// Certificates of one CA differ in the key and the signature, which are a fifth of the characters or more.
const samples = 32;

/** Where lines are kept: a number of 32 bits that is always the same for the same lines, and seldom for others. */
export function slotOf({ certificate, chain }: ForwardedLines): number {
  const { length } = certificate;
  // Many clients share a chain, and one client may come with it and without it: its length is enough.
  let slot = Math.imul(length, 65_599) ^ (chain?.length ?? -1);
  const step = Math.max(1, Math.floor(length / samples));
  for (let index = length - 1; index >= 0; index -= step)
    slot = Math.imul(slot, 31) + certificate.charCodeAt(index);
  return slot >>> 0;
}
