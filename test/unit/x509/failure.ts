/**
 * What a reader of bytes says when it refuses.
 *
 * @module
 */
import { MtlsError } from '../../../src/errors.js';

/** The MtlsError that `run` throws. Anything else it throws comes through, and so does its returning. */
export function failureOf(run: () => unknown): MtlsError {
  try {
    run();
  } catch (error) {
    if (error instanceof MtlsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
