/**
 * The errors of a reload itself, beside those of its sources.
 *
 * @module
 */
import { MtlsError } from '../errors.js';

/** Do not commit or report a reload that `close()` aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new MtlsError('ERR_MTLS_ABORTED', { seen: 'the server was closed during the reload' });
}

/** The error of a failed reload. Anything but an MtlsError is a defect of this package. */
export function asMtlsError(cause: unknown): MtlsError {
  if (cause instanceof MtlsError) return cause;
  return new MtlsError('ERR_MTLS_INTERNAL', { seen: `the reload failed: ${String(cause)}` }, { cause });
}
