/**
 * A cache with a limit on the size of its values.
 *
 * @module
 */

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
  /** Whether it was used since it was added or last spared. */
  isUsed: boolean;
}

/** Keeps the values that were added last or are used, within the limits. */
export class WeightedCache<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #mostEntries: number;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(limits: { readonly entries: number; readonly bytes: number }) {
    this.#mostEntries = limits.entries;
    this.#mostBytes = limits.bytes;
  }

  /** Returns the value of a key, or `undefined`. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.isUsed = true;
    return entry?.value;
  }

  /**
   * Adds a value, and drops the oldest ones if a limit is exceeded; a value that was used meanwhile is spared once.
   * Moving a value at each use would make every handshake slower.
   * @param weight - The approximate size in bytes. A value larger than the limit is not kept.
   */
  put(key: Key, value: Value, weight: number): void {
    if (this.get(key) === value) return;
    this.delete(key);
    if (weight > this.#mostBytes) return;
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size < this.#mostEntries && this.#bytes + weight <= this.#mostBytes) break;
      if (entry.isUsed) this.#spare(oldest, entry);
      else this.delete(oldest);
    }
    this.#entries.set(key, { value, weight, isUsed: false });
    this.#bytes += weight;
  }

  #spare(key: Key, entry: Entry<Value>): void {
    this.#entries.delete(key);
    entry.isUsed = false;
    this.#entries.set(key, entry);
  }

  /** Drops a value. */
  delete(key: Key): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.weight;
  }
}
