/**
 * A clock that is shared between processes.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds of the machine's monotonic clock, equal in all processes. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Rejects if `promise` takes longer than `limitMs`. */
export async function within<Value>(promise: Promise<Value>, limitMs: number, what: string): Promise<Value> {
  const abort = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: abort.signal }).then(
    () => {
      throw new Error(`${what} took longer than ${limitMs / 1000} s`);
    },
    (): never => undefined as never,
  );
  try {
    return await Promise.race([promise, limit]);
  } finally {
    abort.abort();
  }
}
