// Builds dist/cjs from src with plain tsc, and in dist/esm the entries for `import`. Any error stops the build.
//
// `import` and `require` run the same code: two copies would have two MtlsError classes and two registers of rules. The
// exports of an ES module must be in its text, so each entry lists them.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pruneDeclarations } from './prune-declarations.mjs';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = require.resolve('typescript/bin/tsc');
const manifest = require('../package.json');
const entries = Object.values(manifest.exports).filter((target) => typeof target === 'object');

process.chdir(root);
rmSync('dist', { recursive: true, force: true });

// Comments are kept only in the declarations: in the code they would be half of the package.
compile('--declaration', '--isolatedDeclarations', '--emitDeclarationOnly');
// The types were checked just now.
compile('--removeComments', '--noCheck');
// The package is "type": "module", so the CommonJS code needs its own package.json.
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
pruneDeclarations(
  'dist/cjs',
  entries.map((entry) => entry.require.types),
);
for (const entry of entries) writeModule(entry);
// npm does this at installation; here it makes the command executable from the build.
for (const command of Object.values(manifest.bin)) chmodSync(command, 0o755);

function compile(...options) {
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...options], { stdio: 'inherit' });
  } catch {
    // tsc has printed the errors. A partial build must not be packed.
    rmSync('dist', { recursive: true, force: true });
    console.error('build: src does not compile');
    process.exit(1);
  }
}

/** The ES module of an entry, and its types: what the CommonJS one exports, under the same names. */
function writeModule({ import: esm, require: commonjs }) {
  const names = Object.keys(require(path.resolve(commonjs.default)));
  const from = (file) => `from '${path.posix.relative(path.posix.dirname(file), commonjs.default)}';\n`;
  mkdirSync(path.dirname(esm.default), { recursive: true });
  writeFileSync(esm.default, `export { ${names.join(', ')} } ${from(esm.default)}`);
  writeFileSync(esm.types, `export * ${from(esm.types)}`);
}
