/**
 * Elapsed time, for the tests of promises such as "within a second".
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/**
 * One second, in milliseconds.
 *
 * It is five under `npm run test:handles`, where Node records a stack for every promise and handle,
 * which takes several times as long as the work itself.
 */
export const aSecond = process.env['TEST_HANDLES'] === undefined ? 1000 : 5000;

/**
 * Milliseconds by `performance.now()`, without those that the main thread has been waiting for a core.
 *
 * Other tests run at the same time. Where the system does not say how long a thread waited, none is taken off.
 */
export function ownTime(): number {
  return performance.now() - waitedMs();
}

/** How long the main thread has waited for a core, in milliseconds. */
function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
