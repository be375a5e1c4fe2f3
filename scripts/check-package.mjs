// Packs the package like `npm publish`, and checks the result. Any finding is an error.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const maxTarballBytes = 430_000;
const maxDependencies = 9;

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files that must not be published. */
const unwanted = [
  { what: 'TypeScript source', matches: (file) => /(?<!\.d)\.[cm]?ts$/.test(file) },
  { what: 'a test', matches: (file) => /(^|\/)(test|tests|__tests__)\/|\.test\./.test(file) },
  { what: 'a key or a certificate', matches: (file) => /\.(pem|key|p12|pfx|crt|crl|der)$/.test(file) },
  { what: 'a build log or cache', matches: (file) => /\.tsbuildinfo$|\.log$|\.tgz$/.test(file) },
];

/** Runs a checker on the tarball and returns its complaints. */
function complaintsOf(checker, args) {
  try {
    execFileSync(path.join(root, 'node_modules/.bin', checker), args, { stdio: 'pipe', encoding: 'utf8' });
    return [];
  } catch (error) {
    return [`${checker}: ${error.message}\n${error.stdout}`];
  }
}

/** The files that package.json refers to, which must be in the tarball. */
function promisedFiles(value) {
  if (typeof value === 'string') return value.startsWith('./') ? [value.slice(2)] : [value];
  return value === undefined || value === null ? [] : Object.values(value).flatMap(promisedFiles);
}

/**
 * Dependencies must not run install scripts, and each needs a documented reason. npm runs `postprepare` in a
 * checkout and when it installs from git. It counts `prepare` as an install script of a tarball, and not `postprepare`.
 */
function dependencyComplaints({ dependencies, scripts }) {
  const names = Object.keys(dependencies);
  const table = readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8').split('## Dependencies')[1] ?? '';
  const explained = [...table.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name);
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return [
    ...['preinstall', 'install', 'postinstall', 'prepublish', 'prepare']
      .filter((script) => script in scripts)
      .map((script) => `package.json has the script ${script}, which npm runs when it installs`),
    ...(scripts.postprepare === 'node scripts/prepare.mjs'
      ? []
      : [
          'the script postprepare of package.json is not scripts/prepare.mjs, so an install from git has no dist',
        ]),
    ...Object.entries(packages)
      .filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript === true)
      .map(([where]) => `${where || 'package.json'} has an install script, by package-lock.json`),
    ...(names.length <= maxDependencies
      ? []
      : [`${names.length} runtime dependencies, the limit is ${maxDependencies}`]),
    ...names
      .filter((name) => !explained.includes(name))
      .map((name) => `CONTRIBUTING.md, Dependencies, does not say why ${name}`),
    ...explained
      .filter((name) => !names.includes(name))
      .map((name) => `CONTRIBUTING.md, Dependencies, has ${name}, which is none`),
  ];
}

const folder = mkdtempSync(path.join(tmpdir(), 'express-mtls-pack-'));
try {
  // The prepack script builds first, so the tarball matches src.
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [{ filename, size, files }] = JSON.parse(packed.slice(packed.indexOf('[')));
  const tarball = path.join(folder, filename);
  const names = files.map((file) => file.path);

  const manifest = createRequire(import.meta.url)('../package.json');
  const promised = promisedFiles([manifest.exports, manifest.main, manifest.types, manifest.bin]);

  const complaints = [
    ...promised
      .filter((file) => !names.includes(file))
      .map((file) => `package.json names ${file}: not packed`),
    ...unwanted.flatMap(({ what, matches }) => names.filter(matches).map((file) => `${file} is ${what}`)),
    ...(size < maxTarballBytes ? [] : [`the tarball has ${size} bytes, the limit is ${maxTarballBytes}`]),
    ...dependencyComplaints(manifest),
    ...complaintsOf('publint', ['run', tarball, '--strict']),
    ...complaintsOf('attw', [
      tarball,
      '--exclude-entrypoints',
      'crl-worker',
      '--no-definitely-typed',
      '--no-color',
    ]),
  ];
  for (const complaint of complaints) console.error(complaint);
  console.log(`check-package: ${filename}, ${names.length} files, ${(size / 1000).toFixed(1)} kB`);
  if (complaints.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
