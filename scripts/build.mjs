// Builds dist/esm and dist/cjs from src with plain tsc. Any error stops the build.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

process.chdir(root);
rmSync('dist', { recursive: true, force: true });

// Comments are for whoever reads the types or the source: in the code they would be half of the package.
compile('esm', '--emitDeclarationOnly');
compile('esm', '--declaration', 'false', '--isolatedDeclarations', 'false', '--removeComments');
compile('cjs', '--declaration', 'false', '--isolatedDeclarations', 'false', '--removeComments');

// The types are the same for both, word for word; what they mean, package.json beside them decides.
cpSync('dist/esm', 'dist/cjs', {
  recursive: true,
  filter: (path) => !/\.[cm]?js$/.test(path) && !path.startsWith('dist/esm/cli'),
});

// The package is "type": "module", so the CommonJS half needs a scope of its own.
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');

function compile(format, ...options) {
  try {
    execFileSync(process.execPath, [tsc, '-p', `tsconfig.${format}.json`, ...options], { stdio: 'inherit' });
  } catch {
    // tsc has said what is wrong. Half a build must not be packed.
    rmSync('dist', { recursive: true, force: true });
    console.error(`build: tsconfig.${format}.json does not compile`);
    process.exit(1);
  }
}
