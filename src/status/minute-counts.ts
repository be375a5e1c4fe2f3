/**
 * Events per minute and reason in the last hour. The memory is bounded: 60 minutes, and one number for each reason.
 *
 * @module
 */
import { millisecondsIn } from '../time-span.js';
import { type StatusLastHour } from './status-overview.js';

const minutesKept = 60;

interface Minute<Reason extends string> {
  /** Minutes since 1970. */
  readonly number: number;
  readonly counts: Partial<Record<Reason, number>>;
}

/**
 * Counts events. A minute overwrites the one 60 minutes before it.
 * @typeParam Reason - A fixed set of words, because each takes memory.
 */
export class MinuteCounts<Reason extends string> {
  /** By their number modulo 60. */
  readonly #minutes = new Map<number, Minute<Reason>>();

  /** @param at - Milliseconds since 1970. */
  add(reason: Reason, at: number): void {
    const number = Math.floor(at / millisecondsIn.minute);
    const slot = number % minutesKept;
    let minute = this.#minutes.get(slot);
    if (minute?.number !== number) this.#minutes.set(slot, (minute = { number, counts: {} }));
    minute.counts[reason] = (minute.counts[reason] ?? 0) + 1;
  }

  /** The last 60 minutes. @param now - Milliseconds since 1970. */
  lastHour(now: number): StatusLastHour<Reason> {
    const first = Math.floor(now / millisecondsIn.minute) - minutesKept + 1;
    const byReason: Partial<Record<Reason, number[]>> = {};
    let total = 0;
    for (const { number, counts } of this.#minutes.values()) {
      // The clock may have been set back.
      const index = number - first;
      if (index < 0 || index >= minutesKept) continue;
      for (const [reason, times] of Object.entries(counts) as [Reason, number][]) {
        (byReason[reason] ??= Array<number>(minutesKept).fill(0))[index] = times;
        total += times;
      }
    }
    return { from: new Date(first * millisecondsIn.minute).toISOString(), total, byReason };
  }
}
