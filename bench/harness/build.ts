/**
 * Builds the package.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What is measured is what is published: dist, made now. */
export function buildPackage(): void {
  console.error('building');
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  execFileSync(process.execPath, [script], { stdio: ['ignore', 2, 2] });
}
