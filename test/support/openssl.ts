import { test } from '@jest/globals';
import { spawnSync } from 'node:child_process';

const present = spawnSync('openssl', ['version']).status === 0;
if (!present) console.warn('openssl is not installed: the tests that compare with it are skipped');

/** A test that needs the openssl command: skipped where it is missing, but not in CI, where it then fails. */
export const testWithOpenssl: typeof test.skip = present || process.env['CI'] === 'true' ? test : test.skip;

/** Runs openssl in `directory`; gives what it printed on both streams, and throws that where it failed. */
export function openssl(directory: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`openssl ${args.join(' ')} failed: ${stdout}${stderr}`);
  return stdout + stderr;
}
