/**
 * Tests that not every machine can run. Where one is skipped, the reason is printed.
 *
 * @module
 */
import { test } from '@jest/globals';

/** `test` where the platform supports it, and `test.skip` elsewhere. */
export function testOn(isSupported: boolean, reason: string): typeof test.skip {
  if (!isSupported) console.warn(`skipped: ${reason}`);
  return isSupported ? test : test.skip;
}

/** `test` where a program, some data or a privilege is present. CI must have it: there the test runs, and fails. */
export function testWith(isPresent: boolean, reason: string): typeof test.skip {
  if (process.env['CI'] !== 'true') return testOn(isPresent, reason);
  if (!isPresent) console.warn(`cannot be skipped in CI: ${reason}`);
  return test;
}
