/**
 * Waiting for conditions, with limits that only a fault exceeds.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';

const pauseMs = 25;

/**
 * Waits until a condition is true.
 * @param longestPauseMs - A condition that costs a handshake is tried less and less often, down to this interval.
 * @returns How long that took in milliseconds; `undefined` if it was in vain.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
  longestPauseMs = pauseMs,
): Promise<number | undefined> {
  const started = performance.now();
  for (let pause = pauseMs; !(await condition()); pause = Math.min(1.5 * pause, longestPauseMs)) {
    if (performance.now() - started > limitMs) return undefined;
    await sleep(pause);
  }
  return performance.now() - started;
}

/** Rejects if a promise takes longer. */
export async function within<Value>(promise: Promise<Value>, limitMs: number, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: nothing in ${limitMs / 1000} s`));
    }, limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** `'0.4 s'`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
