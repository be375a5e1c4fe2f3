/**
 * Files that are removed from a directory. That is no fault, unlike a missing file that an option names.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { caBlocks, crlBlocks } from './sources.js';

/**
 * Whether the source of a fault is a file of this directory that no longer exists.
 * @param directory - Any path; if it is not a directory, nothing is gone from it.
 * @param source - The file, or a position in it.
 */
export function isGoneFrom(directory: string, source: string): boolean {
  // As join() begins the paths of files in the directory.
  const before = join(directory, 'a').slice(0, -1);
  if (!source.startsWith(before)) return false;
  const [name = ''] = source.slice(before.length).split(/[:,] /, 1);
  const isFile = crlBlocks.fileName.test(name) || caBlocks.fileName.test(name);
  // An option, or the URL of a loader, can have the ending of a file.
  if (!isFile || name !== basename(name) || source.startsWith('options.')) return false;
  try {
    const isThere = statSync(join(directory, name), { throwIfNoEntry: false }) !== undefined;
    return !isThere && statSync(directory).isDirectory();
  } catch {
    return false;
  }
}
