/**
 * A cache of what was read from header values. A Map would hash each whole value, which takes 1 to 7 µs; here a sample
 * of the value finds the slot, and then the whole value is compared.
 *
 * @module
 */
import { type ForwardedLines } from './forwarded-certificate.js';

interface Entry<Value> {
  readonly lines: ForwardedLines;
  readonly value: Value;
}

/** The bounded store of the entries. */
export interface SlotStore<Stored> {
  /** The content of a slot; `undefined` if it is empty. */
  get(slot: number): Stored | undefined;
  /** Puts a value into a slot, and replaces its content. */
  put(slot: number, stored: Stored, weight: number): void;
}

/**
 * A cache by header values, on top of a bounded store such as a `WeightedCache`. Two clients may share a slot: the later
 * one replaces the earlier one, and neither gets the other's value.
 */
export class ForwardedCache<Value> {
  readonly #store: SlotStore<Entry<Value>>;

  constructor(store: SlotStore<Entry<Value>>) {
    this.#store = store;
  }

  /** The value for the same lines; `undefined` if there is none, or if it was dropped. */
  get(lines: ForwardedLines): Value | undefined {
    const entry = this.#store.get(slotOf(lines));
    return entry !== undefined && isSame(entry.lines, lines) ? entry.value : undefined;
  }

  /**
   * Puts a value for these lines.
   * @param weight - The approximate size of the value in bytes. The length of the lines is added.
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

/** The slot of header lines: a 32-bit number, always the same for the same lines, and rarely the same for others. */
export function slotOf({ certificate, chain }: ForwardedLines): number {
  const { length } = certificate;
  // Many clients share a chain, and one client may send it or not, so the length of the chain is enough here.
  let slot = Math.imul(length, 65_599) ^ (chain?.length ?? -1);
  const step = Math.max(1, Math.floor(length / samples));
  for (let index = length - 1; index >= 0; index -= step)
    slot = Math.imul(slot, 31) + certificate.charCodeAt(index);
  return slot >>> 0;
}
