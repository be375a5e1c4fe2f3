/**
 * Waiting for conditions, with limits that only a fault exceeds.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition is true. @returns How long that took in milliseconds; `undefined` if it was in vain. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
): Promise<number | undefined> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > limitMs) return undefined;
    await sleep(25);
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
