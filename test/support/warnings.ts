/**
 * The warnings of the process. A test takes those that it expects; any other warning
 * fails the test.
 *
 * @module
 */

const seen: string[] = [];

/** Collects warnings in place of printing them. */
export function collectWarnings(): void {
  process.emitWarning = (warning: string | Error): void => {
    seen.push(typeof warning === 'string' ? warning : warning.message);
  };
}

/** The texts of the warnings since the last call. */
export function takeWarnings(): string[] {
  return seen.splice(0);
}
