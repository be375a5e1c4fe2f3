/**
 * Runs before the tests of each file.
 *
 * @module
 */
import { afterEach, expect, jest } from '@jest/globals';
import { collectWarnings, takeWarnings } from './warnings.js';

// On a busy machine, with several tests at once, all takes longer.
jest.setTimeout(60_000);
collectWarnings();

// The thread's file is there in a build only. test/package has the thread.
const withoutBuild = 'crl-worker.js is missing';

afterEach(() => {
  const unexpected = takeWarnings().filter((warning) => !warning.includes(withoutBuild));
  expect(unexpected).toEqual([]);
});
