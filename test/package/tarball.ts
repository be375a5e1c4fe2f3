/**
 * The package as `npm publish` would send it, and the programs that a user runs on it.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const root = path.resolve(__dirname, '../..');

/**
 * Packs the package, in a copy: tests that run at the same time must not build into the same `dist`.
 * @returns The path of the tarball, in a new folder.
 */
export function pack(): string {
  const folder = newFolder();
  const copy = path.join(folder, 'copy');
  const files = readdirSync(root).filter((name) => /^(src|scripts|.*\.json|.*\.md|LICENSE)$/.test(name));
  for (const name of files) cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));

  // The prepack script builds first.
  const printed = run(copy, 'npm', 'pack', '--json', '--pack-destination', folder);
  const [{ filename }] = JSON.parse(printed.slice(printed.indexOf('['))) as [{ filename: string }];
  return path.join(folder, filename);
}

/**
 * The package for a test that is not about packing: a copy of the tarball that `PACKAGE_TARBALL` names, or packed now.
 * CI packs once for all of them.
 * @returns The path of the tarball, in a new folder.
 */
export function packOnce(): string {
  const given = process.env['PACKAGE_TARBALL'];
  if (given === undefined) return pack();
  const tarball = path.join(newFolder(), path.basename(given));
  copyFileSync(given, tarball);
  return tarball;
}

function newFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'express-mtls-package-'));
}

/** The standard output of a command; what it printed stands in the error where it fails. */
export function run(directory: string, command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
