/**
 * What is wrong with one source: the others do not wait for it.
 *
 * @module
 */
import { combineFaults, MtlsError } from '../errors.js';

/** A source that does not read, or whose content cannot be used. What it gave before stays in force. */
export interface SourceFault {
  /** The file, or the option. */
  readonly source: string;
  readonly error: MtlsError;
}

/** The result of work on one source, or its fault. */
export type Attempt<Result> =
  | { readonly result: Result; readonly fault?: undefined }
  | { readonly result?: undefined; readonly fault: SourceFault };

/**
 * Does the work of one source. A defect is not a fault: it is thrown.
 * @param source - What to call the source where the error does not name it.
 */
export function attempt<Result>(source: string, work: () => Result): Attempt<Result> {
  try {
    return { result: work() };
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    return { fault: faultOf(source, error) };
  }
}

/** The fault that an error is. A file says more than the option that names it. */
export function faultOf(source: string, error: MtlsError): SourceFault {
  const named = error.source?.startsWith('options.') === true ? undefined : error.source;
  return { source: named ?? source, error };
}

/** One error for all faults; `undefined` where there is none. */
export function combined(faults: readonly SourceFault[]): MtlsError | undefined {
  const [first, ...others] = faults.map(({ error }) => error);
  return first && combineFaults([first, ...others]);
}
