/**
 * A password in a file, where a command takes one.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';

/** The first line of `file`, as `openssl -passin file:` reads it; empty where there is none. */
export async function readFirstLine(file: string): Promise<string> {
  const [line = ''] = (await readFile(file, 'utf8')).split(/\r?\n/, 1);
  return line;
}
