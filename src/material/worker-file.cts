/**
 * Where the program of the loading thread is: in the package beside this file, in a bundle beside the bundle or the
 * main program, in a single executable among its assets. CommonJS, even if the TypeScript source is run directly: the
 * build has no `import.meta`, and an ES module has no `__dirname`.
 */
import fs = require('node:fs');
import path = require('node:path');
import url = require('node:url');

/** The program of a thread: a file, or its code. */
type WorkerProgram = { readonly file: string } | { readonly code: string };

// No program has a file of this name by chance.
const bundledName = 'express-mtls-crl-worker';

// A bundle of ES modules has no `__dirname`, and webpack can replace it with a relative path.
const ownFolder = typeof __dirname === 'string' && path.isAbsolute(__dirname) ? __dirname : undefined;
const isInPackage = typeof __filename === 'string' && /[\\/]worker-file\.c[jt]s$/.test(__filename);

/** Finds the program. If there is none, the file is returned that is missing. */
function findWorkerProgram(): WorkerProgram {
  if (isInPackage && ownFolder !== undefined) return { file: path.join(ownFolder, 'crl-worker.js') };
  const code = readAsset();
  if (code !== undefined) return { code };
  const [, program = ''] = process.argv;
  const folders = [ownFolder, folderOfThisCode(), path.dirname(program)];
  const files = folders.flatMap((folder) =>
    folder === undefined
      ? []
      : ['.js', '.cjs', '.mjs'].map((ending) => path.join(folder, bundledName + ending)),
  );
  return { file: files.find((file) => fs.existsSync(file)) ?? files[0] ?? `${bundledName}.js` };
}

/** The asset of a single executable. */
function readAsset(): string | undefined {
  const sea = process.getBuiltinModule('node:sea') as typeof import('node:sea') | undefined;
  if (sea?.isSea() !== true) return undefined;
  try {
    return sea.getAsset(`${bundledName}.js`, 'utf8');
  } catch {
    // There is no such asset.
    return undefined;
  }
}

/** The folder of the file that this code was bundled into, by the stack trace API of V8. */
function folderOfThisCode(): string | undefined {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    Error.prepareStackTrace = (_error, sites) => sites;
    const { stack } = new Error() as { readonly stack?: unknown };
    const [site] = Array.isArray(stack) ? (stack as NodeJS.CallSite[]) : [];
    const file = site?.getFileName() ?? '';
    if (file.startsWith('file:')) return path.dirname(url.fileURLToPath(file));
    return path.isAbsolute(file) ? path.dirname(file) : undefined;
  } finally {
    Reflect.deleteProperty(Error, 'prepareStackTrace');
    if (before !== undefined) Object.defineProperty(Error, 'prepareStackTrace', before);
  }
}

export = findWorkerProgram;
