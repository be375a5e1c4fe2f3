/**
 * A folder as `express-mtls init` leaves it, for the tests of the other commands.
 *
 * @module
 */
import { runCommand } from './command.js';
import { temporaryDirectory } from './files.js';

/** A new CA with `server` and `client1`; removed after the test file. */
export async function caFolder(): Promise<string> {
  const directory = temporaryDirectory();
  const { code, err } = await runCommand(['init', directory]);
  if (code !== 0) throw new Error(err);
  return directory;
}
