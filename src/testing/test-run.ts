/**
 * Whether this process runs tests.
 *
 * @module
 */

/** What the decision depends on. */
export interface ProcessState {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The options of Node. */
  readonly execArgv: readonly string[];
  readonly globals: Readonly<Record<string, unknown>>;
}

/** The state of this process. */
export function currentState(): ProcessState {
  const { env, execArgv } = process;
  return { env, execArgv, globals: globalThis };
}

/**
 * Whether a test runner runs this code: jest, vitest, mocha, or `node --test`. NODE_ENV decides nothing, because it is
 * set by hand, in production too.
 */
export function isTestRun({ env, execArgv, globals }: ProcessState): boolean {
  // jest and vitest set these in each worker, and node --test in each process of a test file.
  const isWorker = ['JEST_WORKER_ID', 'VITEST_WORKER_ID', 'NODE_TEST_CONTEXT'].some(
    (name) => env[name] !== undefined && env[name] !== '',
  );
  const isMocha = ['describe', 'it', 'before', 'after'].every((name) => typeof globals[name] === 'function');
  return isWorker || isMocha || execArgv.includes('--test');
}
