/**
 * What a user gets: the packed tarball, installed by npm beside four projects
 * outside this repository.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

jest.setTimeout(300_000);

const root = path.resolve(__dirname, '../..');
const manifest = readJson(path.join(root, 'package.json')) as { exports: Record<string, unknown> };
const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
const tsc = createRequire(__filename).resolve('typescript/bin/tsc');

let folder: string;
/** Has the tarball and its dependencies installed, and the four projects below it. */
let consumers: string;
/** Has the package alone: no dependency, not even Express. */
let bare: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'express-mtls-package-'));
  consumers = path.join(folder, 'consumers');
  bare = path.join(folder, 'bare');

  // The prepack script builds first.
  const packed = npm(root, 'pack', '--json', '--pack-destination', folder);
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ filename: string }];

  cpSync(path.join(root, 'test/package/projects'), consumers, { recursive: true });
  writeFileSync(path.join(consumers, 'package.json'), '{ "private": true }\n');
  const beside = ['express', '@types/express', '@types/node'].map(
    (name) => `${name}@${installedVersion(name)}`,
  );
  npm(
    consumers,
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    path.join(folder, filename),
    ...beside,
  );

  const installed = 'node_modules/express-mtls';
  mkdirSync(path.join(bare, 'node_modules'), { recursive: true });
  cpSync(path.join(consumers, installed), path.join(bare, installed), { recursive: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the packed tarball serves its user', () => {
  const expected = 'hello client1\nhello client1\nclient1 is good\n';

  test.each(['import', 'require'])('in plain JavaScript, by %s', (project) => {
    expect(node(path.join(consumers, project), 'main.js')).toBe(expected);
  });

  test.each(['ts-esm', 'ts-cjs'])(
    'in strict TypeScript without skipLibCheck or the DOM, as %s',
    (project) => {
      const directory = path.join(consumers, project);
      expect(node(directory, tsc, '--project', '.')).toBe('');
      expect(node(directory, 'out/main.js')).toBe(expected);
    },
  );
});

describe('the two builds', () => {
  test.each(entries)('export the same names from %s', (entry) => {
    const imported = namesOf('import', entry);

    expect(imported).not.toHaveLength(0);
    expect(namesOf('require', entry)).toEqual(imported);
  });

  test.each([
    ['import', '.'],
    ['import', './revocation'],
    ['require', '.'],
    ['require', './revocation'],
  ])('load neither pino, Express nor @peculiar/x509 on %s of %s', (how, entry) => {
    // None of them is there: loading one would throw.
    expect(node(bare, ...load(how, entry, 'console.log("loaded")'))).toBe('loaded\n');
  });
});

function namesOf(how: string, entry: string): string[] {
  const script = 'console.log(JSON.stringify(Object.keys(entry).sort()))';
  return JSON.parse(node(consumers, ...load(how, entry, script))) as string[];
}

/** Arguments of node that load `entry` and run `script` on it. */
function load(how: string, entry: string, script: string): string[] {
  const name = path.posix.join('express-mtls', entry);
  return how === 'import'
    ? ['--input-type=module', '--eval', `import * as entry from '${name}';\n${script}`]
    : ['--input-type=commonjs', '--eval', `const entry = require('${name}');\n${script}`];
}

function node(directory: string, ...args: string[]): string {
  return run(process.execPath, args, directory);
}

function npm(directory: string, ...args: string[]): string {
  return run('npm', args, directory);
}

/** The standard output of a command; what it printed stands in the error where it fails. */
function run(command: string, args: string[], directory: string): string {
  try {
    return execFileSync(command, args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

function installedVersion(name: string): string {
  return (readJson(path.join(root, 'node_modules', name, 'package.json')) as { version: string }).version;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
