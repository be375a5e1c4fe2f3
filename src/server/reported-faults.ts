/**
 * Remembers the setup faults that requests have encountered, so that each is reported once.
 *
 * @module
 */
import { type ErrorCode, type MtlsError } from '../errors.js';
import { shorten } from '../x509/string.js';

// A message may quote what a caller sent, and callers must not be able to fill the log.
const mostOfOneCode = 10;

/** Remembers which faults were reported. */
export class ReportedFaults {
  readonly #messages = new Map<ErrorCode, Set<string>>();

  /** Whether to report a fault: it is the first with its message, and one of the first ten with its code. */
  isNew({ code, message }: MtlsError): boolean {
    const known = this.#messages.get(code) ?? new Set();
    this.#messages.set(code, known);
    if (known.has(message) || known.size >= mostOfOneCode) return false;
    known.add(message);
    return true;
  }
}

/** The message of a fault, in one line. */
export function describeFault({ message }: MtlsError): string {
  return shorten(message, 1000);
}

/** Reports a fault as a process warning. */
export function warnOfFault(error: MtlsError): void {
  process.emitWarning(describeFault(error), { type: 'MtlsWarning', code: error.code });
}
