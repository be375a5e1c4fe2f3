// npm runs this in a checkout after `npm install` or `npm ci`, and when it installs the package from git. It builds
// dist if there is none. Without the development dependencies, as after `npm ci --omit=dev`, it does nothing.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What scripts/build.mjs needs besides the dependencies of package.json. */
const neededToBuild = ['typescript', '@types/node', '@types/express', 'prom-client'];

const { resolve } = createRequire(import.meta.url);
const isBuilt = existsSync(new URL('../dist', import.meta.url));
if (!isBuilt && neededToBuild.every(isInstalled)) await import('./build.mjs');

function isInstalled(name) {
  try {
    resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
