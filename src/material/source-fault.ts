/**
 * The fault of one source. Other sources are not affected.
 *
 * @module
 */
import { combineFaults, MtlsError } from '../errors.js';

/** A source that cannot be read or whose content cannot be used. Its last-good copy stays in force. */
export interface SourceFault {
  /** The file or option. */
  readonly source: string;
  readonly error: MtlsError;
  /** Whether the server may start with it. */
  readonly mayStart?: boolean;
  /** Whether this is half of a new pair of files, and the other half may follow. */
  readonly isHalf?: boolean;
}

/** The result of work on one source, or its fault. */
export type Attempt<Result> =
  | { readonly result: Result; readonly fault?: undefined }
  | { readonly result?: undefined; readonly fault: SourceFault };

/**
 * Does the work of one source. A defect is not a fault and is thrown.
 * @param source - The name of the source, if the error does not have one.
 */
export function attempt<Result>(source: string, work: () => Result): Attempt<Result> {
  try {
    return { result: work() };
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    return { fault: faultOf(source, error) };
  }
}

/** Converts an error to a fault. A file is more specific than the option that names it. */
export function faultOf(source: string, error: MtlsError): SourceFault {
  const named = error.source?.startsWith('options.') === true ? undefined : error.source;
  return { source: named ?? source, error };
}

/** One error for all faults; `undefined` if there is none. */
export function combined(faults: readonly SourceFault[]): MtlsError | undefined {
  const [first, ...others] = faults.map(({ error }) => error);
  return first && combineFaults([first, ...others]);
}
