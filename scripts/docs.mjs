// Writes the API reference of every entry of package.json's exports, from the docstrings, to docs/api.
// With --check it writes nothing. In both cases, undocumented exports and broken links are errors.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, LogLevel, ReflectionKind } from 'typedoc';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const manifest = createRequire(import.meta.url)('../package.json');
const entries = Object.values(manifest.exports).filter((target) => typeof target === 'object');

const app = await Application.bootstrap({
  name: manifest.name,
  entryPoints: entries.map(sourceOf),
  sortEntryPoints: false,
  tsconfig: 'tsconfig.build.json',
  out: 'docs/api',
  readme: 'none',
  jsDocCompatibility: { defaultTag: false },
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // The type ErrorCode is made of its keys, and the constant of that name shows them, each with its meaning.
  intentionallyNotExported: ['src/errors.ts:statusByCode'],
  requiredToBeDocumented: [
    'Module',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'TypeAlias',
    'Property',
    'Method',
    'Accessor',
    'CallSignature',
    'GetSignature',
    'SetSignature',
    'Parameter',
  ],
  treatWarningsAsErrors: true,
  logLevel: LogLevel.Warn,
});

const project = await app.convert();
if (project === undefined) process.exit(1);
// Modules are called what a program imports: by themselves they are `index` and, of revocation/index.ts, `revocation`.
for (const module of project.children) {
  module.name = path.posix.join(manifest.name, module.name === 'index' ? '.' : module.name);
}
// Clients of other libraries are taken by their shape. What a method of theirs takes, those libraries document.
const inFunctionTypes = project
  .getReflectionsByKind(ReflectionKind.Parameter)
  .filter(
    ({ parent }) => parent?.name === '__type' && !parent.parent?.parent?.kindOf(ReflectionKind.Parameter),
  )
  .filter((one) => !one.hasComment())
  .map((one) => one.getFriendlyFullName());
app.options.setValue('intentionallyNotDocumented', inFunctionTypes);
app.validate(project);
if (!process.argv.includes('--check')) await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);

/** ./dist/esm/status/index.js is built from src/status/index.ts. */
function sourceOf({ import: { default: built } }) {
  const source = built.replace(/^\.\/dist\/esm\//, 'src/').replace(/\.js$/, '.ts');
  if (!existsSync(source)) throw new Error(`package.json exports ${built}, and ${source} is not there`);
  return source;
}
