// Builds dist/esm and dist/cjs from src with plain tsc. Any error stops the build.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

process.chdir(root);
rmSync('dist', { recursive: true, force: true });

for (const format of ['esm', 'cjs']) {
  try {
    execFileSync(process.execPath, [tsc, '-p', `tsconfig.${format}.json`], { stdio: 'inherit' });
  } catch {
    // tsc has said what is wrong. Half a build must not be packed.
    rmSync('dist', { recursive: true, force: true });
    console.error(`build: tsconfig.${format}.json does not compile`);
    process.exit(1);
  }
}

// The package is "type": "module", so the CommonJS half needs a scope of its own.
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
