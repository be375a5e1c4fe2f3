import { spawnSync } from 'node:child_process';
import { testWith } from './requirements.js';

/** A test that needs the openssl command. */
export const testWithOpenssl = testWith(
  spawnSync('openssl', ['version']).status === 0,
  'openssl is not installed',
);

/** Runs openssl in `directory`; gives what it printed on both streams, and throws that where it failed. */
export function openssl(directory: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`openssl ${args.join(' ')} failed: ${stdout}${stderr}`);
  return stdout + stderr;
}
