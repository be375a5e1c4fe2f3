/**
 * Gives the importing thread a lower priority than the thread that serves requests.
 *
 * @module
 */
import { constants, getPriority, setPriority } from 'node:os';

/**
 * On few cores, requests take precedence. Only Linux has priorities per thread; elsewhere this is the whole process.
 */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    // Not the lowest priority: under permanent load, revocations must still be loaded.
    setPriority(Math.min(getPriority() + 5, constants.priority.PRIORITY_LOW));
  } catch {
    // A sandbox may forbid it. The default priority works too.
  }
}

stepBack();
