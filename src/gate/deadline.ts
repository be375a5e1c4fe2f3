/**
 * One timer for the earliest of many deadlines. It does not keep the process alive.
 *
 * @module
 */

// setTimeout fires at once for more than 2^31-1 ms, and the clock may be set: check at least every minute.
const longestMs = 60_000;

/** Calls back when the earliest added time has come. */
export class Deadline {
  readonly #now: () => number;
  readonly #onDue: () => void;
  #at = Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number, onDue: () => void) {
    this.#now = now;
    this.#onDue = onDue;
  }

  /** Adds a time, in milliseconds since 1970. */
  add(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.#arm();
  }

  /** Removes all times. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wait = Math.min(Math.max(this.#at - this.#now(), 0), longestMs);
    this.#timer = setTimeout(() => {
      this.#look();
    }, wait);
    this.#timer.unref();
  }

  #look(): void {
    if (this.#now() < this.#at) {
      this.#arm();
      return;
    }
    this.#at = Infinity;
    this.#onDue();
  }
}
