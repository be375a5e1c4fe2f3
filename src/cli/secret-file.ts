/**
 * Reads a password from a file.
 *
 * @module
 */
import { readBounded } from '../dev-ca/bounded-file.js';

const maxBytes = 2 ** 20;

/** The first line of `file`, like `openssl -passin file:`; empty if there is none. */
export async function readFirstLine(file: string): Promise<string> {
  const [line = ''] = (await readBounded(file, maxBytes)).toString('utf8').split(/\r?\n/, 1);
  return line;
}
