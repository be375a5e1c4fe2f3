/**
 * Whether the content of a source can come into force. A valid CRL that is soon overwritten by a broken one takes
 * effect with the next valid one.
 *
 * @module
 */
import { machineTime } from '../../bench/harness/clock.js';

/**
 * Receives the time from which a change must be effective; `Infinity` while that is unknown. Later calls replace
 * earlier ones.
 */
export type Tell = (at: number) => void;

// With polling every 500 ms, a file that existed for this long has been read.
const seenAfterMs = 850;

export class Disk {
  readonly #now: () => number;
  #isBroken = false;
  #told: { readonly at: number; readonly tell: Tell }[] = [];
  #waiting: Tell[] = [];

  /** @param now - For tests. */
  constructor(now: () => number = machineTime) {
    this.#now = now;
  }

  /** The CRL is incomplete or invalid. A very recent change may not have been read in time. */
  break(): void {
    this.#isBroken = true;
    const unseenFrom = this.#now() - seenAfterMs;
    for (const { at, tell } of this.#told.splice(0)) {
      if (at <= unseenFrom) continue;
      tell(Infinity);
      this.#waiting.push(tell);
    }
  }

  /** The CRL is valid again: from now on, everything on disk must be effective. */
  restore(): void {
    this.#isBroken = false;
    for (const tell of this.#waiting.splice(0)) this.whenItCounts(tell);
  }

  /** Reports from when a change that was just completed must be effective. */
  whenItCounts(tell: Tell): void {
    if (this.#isBroken) {
      this.#waiting.push(tell);
      return;
    }
    const at = this.#now();
    this.#told = this.#told.filter((change) => change.at > at - seenAfterMs);
    this.#told.push({ at, tell });
    tell(at);
  }
}
