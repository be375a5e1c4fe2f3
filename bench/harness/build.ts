/**
 * Builds the package.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds dist, so that the measured code is the published code. */
export function buildPackage(): void {
  console.error('building');
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  execFileSync(process.execPath, [script], { stdio: ['ignore', 2, 2] });
}
