/**
 * Detects that the clock was set or that the machine slept, so that dates have passed or are in the future again.
 *
 * @module
 */

const lookMs = 500;

// Small adjustments of the clock (slewing) stay below it.
const jumpMs = 1000;

/** Compares the clock with the monotonic clock. Does not keep the process alive. */
export class ClockWatch {
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** @param now - The clock, in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Calls `onJump` within half a second after the clock was set by more than a second, in either direction. */
  begin(onJump: () => void): void {
    this.close();
    let offset = this.#now() - performance.now();
    this.#timer = setInterval(() => {
      const seen = this.#now() - performance.now();
      const isJump = Math.abs(seen - offset) > jumpMs;
      offset = seen;
      if (isJump) onJump();
    }, lookMs);
    this.#timer.unref();
  }

  /** Stops. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
