/**
 * Repeated attempts, with increasing delays.
 *
 * @module
 */

const firstMs = 50;
const lastMs = 5000;

/** Schedules the next attempt. Delays double up to 5 s, and vary at random, so that processes do not retry
 * in step. */
export class Backoff {
  #nextMs = firstMs;
  #timer: NodeJS.Timeout | undefined;

  /** Schedules an attempt, in place of one that is still to come. */
  schedule(attempt: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(attempt, this.#nextMs * (0.5 + Math.random() / 2));
    this.#timer.unref();
    this.#nextMs = Math.min(2 * this.#nextMs, lastMs);
  }

  /** Called when an attempt succeeded. */
  reset(): void {
    this.#nextMs = firstMs;
  }

  /** Cancels the attempt to come. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
