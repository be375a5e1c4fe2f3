/**
 * Gives the thread that imports it a lower priority than the one that serves
 * requests.
 *
 * @module
 */
import { constants, getPriority, setPriority } from 'node:os';

/** Where cores are few, requests go first. Linux alone gives a thread a priority of its own: elsewhere it is the process's. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    // Not to the lowest: under a load that never ends, a revocation must not wait for its end.
    setPriority(Math.min(getPriority() + 5, constants.priority.PRIORITY_LOW));
  } catch {
    // A sandbox may forbid it: then the scheduler shares out as it likes.
  }
}

stepBack();
