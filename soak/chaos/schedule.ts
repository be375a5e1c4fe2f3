/**
 * Doing a thing again and again.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../bench/harness/clock.js';

/** When a thing is done. */
export interface Schedule {
  readonly firstAfterMs?: number;
  readonly everyMs: number;
  /** How much later each may come, at random: two schedules are to meet at every distance. @defaultValue `0` */
  readonly jitterMs?: number;
  readonly signal: AbortSignal;
}

/** Runs `step` by a schedule until its signal; a step that has begun is finished. */
export async function repeat(
  { firstAfterMs = 0, everyMs, jitterMs = 0, signal }: Schedule,
  step: (count: number) => Promise<void> | void,
): Promise<void> {
  const begun = machineTime() + firstAfterMs;
  for (let count = 0; ; count++) {
    // From the beginning, not from the last step: what a step takes does not add up.
    await pause(begun + count * everyMs + Math.random() * jitterMs - machineTime(), signal);
    if (signal.aborted) return;
    await step(count);
  }
}

/** Waits; not longer than until `signal`. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(ms, 0), undefined, { signal }).catch(() => undefined);
}
