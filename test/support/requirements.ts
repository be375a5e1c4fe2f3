/**
 * Tests that not every machine can run. Where one is skipped, the reason is printed.
 *
 * @module
 */
import { test } from '@jest/globals';

/** `test` where the platform supports it, and `test.skip` elsewhere. */
export function testOn(isSupported: boolean, reason: string): typeof test.skip {
  // Not the console: of a file whose tests are all skipped jest prints none of it.
  if (!isSupported) process.stderr.write(`skipped: ${reason}\n`);
  return isSupported ? test : test.skip;
}

/** `test` where a program, some data or a privilege is present. CI must have it: there the test runs, and fails. */
export function testWith(isPresent: boolean, reason: string): typeof test.skip {
  if (process.env['CI'] !== 'true') return testOn(isPresent, reason);
  if (!isPresent) process.stderr.write(`cannot be skipped in CI: ${reason}\n`);
  return test;
}
