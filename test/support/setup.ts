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
// Jest compares Buffers byte by byte, a thousand times as slowly, and to the same result.
expect.addEqualityTesters([
  (a: unknown, b: unknown) => (Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : undefined),
]);

// The thread's file is there in a build only. test/package has the thread.
const withoutBuild = 'crl-worker.js is missing';

afterEach(() => {
  const unexpected = takeWarnings().filter((warning) => !warning.includes(withoutBuild));
  if (unexpected.length > 0) expect(unexpected).toEqual([]);
});
