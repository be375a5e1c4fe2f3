/**
 * A file descriptor in reserve. Even if client connections use up all descriptors of the process, CRLs can still be
 * read.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

let reserve: number | undefined;
let users = 0;

/** Holds a descriptor in reserve while there are users. */
export function holdDescriptor(): void {
  users++;
  hold();
}

/** Releases it. */
export function releaseDescriptor(): void {
  users--;
  if (users === 0) release();
}

/** Does work that needs one descriptor at a time, and uses the reserve if there is no other. */
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
      // No other code has run in between, so the descriptor is still free.
      hold();
    }
  }
}

function hold(): void {
  try {
    reserve ??= openSync(devNull, 'r');
  } catch {
    // No descriptor is free. The next call tries again.
  }
}

function release(): void {
  if (reserve !== undefined) closeSync(reserve);
  reserve = undefined;
}
