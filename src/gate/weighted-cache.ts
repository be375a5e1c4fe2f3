/**
 * A cache with a bound on the bytes that its values may take.
 *
 * @module
 */

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
  /** Whether it was asked for since it was put, or last spared. */
  isUsed: boolean;
}

/** Keeps as many values as their weights allow: those that were put last, and those that are asked for. */
export class WeightedCache<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #mostEntries: number;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(limits: { readonly entries: number; readonly bytes: number }) {
    this.#mostEntries = limits.entries;
    this.#mostBytes = limits.bytes;
  }

  /** The value that was put under this key; `undefined` where there is none. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.isUsed = true;
    return entry?.value;
  }

  /**
   * Puts a value, and drops those that were put longest ago where there are too many; each that was asked for
   * meanwhile is spared once. To move a value at each use would cost every handshake more than it is worth.
   * @param weight - About how many bytes it takes. One that takes more than all may is not kept.
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
