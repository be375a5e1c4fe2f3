/**
 * Test material on disk, in directories that vanish after the test file.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

const directories: string[] = [];

// At the level of the module, as jest takes no hooks from inside a test.
afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A new, empty directory; it and all in it are removed after the test file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'express-mtls-'));
  directories.push(directory);
  return directory;
}

/** Writes each value to the file of its name, readable by its owner alone, and answers the paths. */
export function writeMaterial<Name extends string>(
  directory: string,
  files: Readonly<Record<Name, string | Buffer>>,
): Record<Name, string> {
  const paths = {} as Record<Name, string>;
  for (const name of Object.keys(files) as Name[]) {
    paths[name] = join(directory, name);
    writeFileSync(paths[name], files[name], { mode: 0o600 });
  }
  return paths;
}
