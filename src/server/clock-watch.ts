/**
 * Notices that the clock was set, or that the machine slept: dates have passed, or have come back.
 *
 * @module
 */

const lookMs = 500;

// A clock that is adjusted in small steps stays below it.
const jumpMs = 1000;

/** Compares the clock with one that cannot be set. Keeps no process alive. */
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
