/**
 * A file descriptor in reserve. Clients can use up all that a process may have, by their connections: what revokes them
 * is read all the same.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

let reserve: number | undefined;
let users = 0;

/** Holds a descriptor in reserve, for as long as there are users of it. */
export function holdDescriptor(): void {
  users++;
  hold();
}

/** Gives it back. */
export function releaseDescriptor(): void {
  users--;
  if (users === 0) release();
}

/** Does work that needs one descriptor at a time; where there is none left, with that of the reserve. */
export function withDescriptor<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (reserve === undefined || (code !== 'EMFILE' && code !== 'ENFILE')) throw error;
    release();
    try {
      return work();
    } finally {
      // Nothing else has run meanwhile that could have taken it.
      hold();
    }
  }
}

function hold(): void {
  try {
    reserve ??= openSync(devNull, 'r');
  } catch {
    // None left: the next call tries again.
  }
}

function release(): void {
  if (reserve !== undefined) closeSync(reserve);
  reserve = undefined;
}
