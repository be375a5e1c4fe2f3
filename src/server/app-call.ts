/**
 * Calls into the app that decide nothing: its logger, its listeners. What goes wrong there is reported, and must
 * never end the process, which an unhandled rejection does.
 *
 * @module
 */

/**
 * Calls a function of the app. What it throws becomes a warning of the process, as does what it rejects with, where it
 * is async or returns a thenable.
 * @param what - Whose function it is, for the warning: `'the logger'`.
 */
export function callApp(what: string, call: () => unknown): void {
  try {
    const result = call();
    if (result === null || (typeof result !== 'object' && typeof result !== 'function')) return;
    // Not Promise.resolve(), which trusts a promise that the app has changed.
    new Promise((resolve) => {
      resolve(result);
    }).catch((error: unknown) => {
      warn(`${what} rejected`, error);
    });
  } catch (error) {
    warn(`${what} threw`, error);
  }
}

/** Reports a failure that stops nothing. */
export function warn(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${textOf(error)}`, { type: 'MtlsWarning' });
}

/** Anything can be thrown, also what has no text. */
function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'a value without a text';
  }
}
