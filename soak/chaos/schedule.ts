/**
 * Repeats an operation on a schedule.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../bench/harness/clock.js';

/** The times of an operation. */
export interface Schedule {
  readonly firstAfterMs?: number;
  readonly everyMs: number;
  /** The maximum random delay, so that two schedules coincide in every way. @defaultValue `0` */
  readonly jitterMs?: number;
  readonly signal: AbortSignal;
}

/** Runs `step` on a schedule until its signal. A running step is completed. */
export async function repeat(
  { firstAfterMs = 0, everyMs, jitterMs = 0, signal }: Schedule,
  step: (count: number) => Promise<void> | void,
): Promise<void> {
  const begun = machineTime() + firstAfterMs;
  for (let count = 0; ; count++) {
    // Relative to the start, so that the durations of steps do not add up.
    await pause(begun + count * everyMs + Math.random() * jitterMs - machineTime(), signal);
    if (signal.aborted) return;
    await step(count);
  }
}

/** Waits, at most until `signal`. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(ms, 0), undefined, { signal }).catch(() => undefined);
}
