/**
 * A cache with a bound on the bytes that its values may take.
 *
 * @module
 */

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
}

/** Keeps the values that were put last, as many as their weights allow. */
export class WeightedCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #mostEntries: number;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(limits: { readonly entries: number; readonly bytes: number }) {
    this.#mostEntries = limits.entries;
    this.#mostBytes = limits.bytes;
  }

  /** The value that was put under this key; `undefined` where there is none. */
  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /**
   * Puts a value, and drops those that were put longest ago where there are too many.
   * @param weight - About how many bytes it takes. One that takes more than all may is not kept.
   */
  put(key: string, value: Value, weight: number): void {
    this.delete(key);
    if (weight > this.#mostBytes) return;
    this.#entries.set(key, { value, weight });
    this.#bytes += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#mostEntries && this.#bytes <= this.#mostBytes) return;
      this.delete(oldest);
    }
  }

  /** Drops a value. */
  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.weight;
  }
}
