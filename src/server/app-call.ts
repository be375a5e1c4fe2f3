/**
 * Calls the logger and the listeners of the app. Their errors are reported, and never end the process as an unhandled
 * rejection would.
 *
 * @module
 */

/**
 * Calls a function of the app. What it throws, or what its promise or thenable rejects with, becomes a process
 * warning.
 * @param what - The function, for the warning: `'the logger'`.
 */
export function callApp(what: string, call: () => unknown): void {
  try {
    const result = call();
    if (result === null || (typeof result !== 'object' && typeof result !== 'function')) return;
    // Not Promise.resolve(), which returns a promise that the app may have modified.
    new Promise((resolve) => {
      resolve(result);
    }).catch((error: unknown) => {
      warn(`${what} rejected`, error);
    });
  } catch (error) {
    warn(`${what} threw`, error);
  }
}

/** Reports a failure as a process warning. */
export function warn(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${textOf(error)}`, { type: 'MtlsWarning' });
}

/** A thrown value need not be convertible to a string. */
function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'a value that cannot be converted to a string';
  }
}
