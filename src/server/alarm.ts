/**
 * A timer for one piece of work.
 *
 * @module
 */

/** Calls back once, later. It does not keep the process alive. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;

  /** Replaces what was set before. */
  set(work: () => void, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms);
    this.#timer.unref();
  }

  /** Cancels the call. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
