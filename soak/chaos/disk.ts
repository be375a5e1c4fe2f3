/**
 * Whether what lies in one source can be put into force. What is published in the
 * place of a CRL that is broken soon after counts from the next good one.
 *
 * @module
 */
import { machineTime } from '../../bench/harness/clock.js';

/** Is told from when a change counts; `Infinity` while that is not known. Later calls replace earlier ones. */
export type Tell = (at: number) => void;

// Whoever looks every 500 ms has seen by now what lay there for so long, whatever comes then.
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

  /** The CRL is not whole, or not good. A change that has just been made may not have been seen in time. */
  break(): void {
    this.#isBroken = true;
    const unseenFrom = this.#now() - seenAfterMs;
    for (const { at, tell } of this.#told.splice(0)) {
      if (at <= unseenFrom) continue;
      tell(Infinity);
      this.#waiting.push(tell);
    }
  }

  /** The CRL is good again: from this moment everything on disk counts. */
  mend(): void {
    this.#isBroken = false;
    for (const tell of this.#waiting.splice(0)) this.whenItCounts(tell);
  }

  /** Tells from when a change that was completed just now counts. */
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
