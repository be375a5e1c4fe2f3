/**
 * One timer for the earliest of many moments. It keeps no process alive.
 *
 * @module
 */

// setTimeout beyond 2^31-1 ms fires at once, and the clock may be set: look again every minute.
const longestMs = 60_000;

/** Calls back once the earliest moment that was added has come. */
export class Deadline {
  readonly #now: () => number;
  readonly #onDue: () => void;
  #at = Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number, onDue: () => void) {
    this.#now = now;
    this.#onDue = onDue;
  }

  /** Adds a moment, in milliseconds since 1970. */
  add(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.#arm();
  }

  /** Forgets what was added. */
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
