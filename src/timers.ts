/**
 * Timers that no test replaces. Fake timers, such as those of jest, sinon and node:test, would let a start or a reload
 * wait for a turn of the event loop that never comes.
 *
 * @module
 */
import timers from 'node:timers';

// Taken when the module is loaded: fake timers replace the properties of node:timers too.
const { clearTimeout: clear, setImmediate: immediate, setTimeout: set } = timers;

/** Waits for one turn of the event loop. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    immediate(resolve);
  });
}

/** Calls `work` in the next turn of the event loop. */
export function inNextTurn(work: () => void): void {
  immediate(work);
}

/** The `setTimeout` of Node. */
export function startTimeout(work: () => void, ms: number): NodeJS.Timeout {
  return set(work, ms);
}

/** The `clearTimeout` of Node. */
export function stopTimeout(timeout: NodeJS.Timeout | undefined): void {
  clear(timeout);
}
