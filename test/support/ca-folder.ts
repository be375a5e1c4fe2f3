/**
 * A folder as `express-mtls init` leaves it, for the tests of the other commands.
 *
 * @module
 */
import { cpSync } from 'node:fs';
import { runCommand } from './command.js';
import { temporaryDirectory } from './files.js';

let original: string | undefined;

/** A folder with a CA, `server` and `client1`; removed after the test file. All those of a test file have the same keys. */
export async function caFolder(): Promise<string> {
  original ??= await initialise();
  const directory = temporaryDirectory();
  cpSync(original, directory, { recursive: true, preserveTimestamps: true });
  return directory;
}

async function initialise(): Promise<string> {
  const directory = temporaryDirectory();
  const { code, err } = await runCommand(['init', directory]);
  if (code !== 0) throw new Error(err);
  return directory;
}
