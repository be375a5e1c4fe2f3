/**
 * Folders that can hold keys: created for their owner only, and checked if they exist.
 *
 * @module
 */
import { chmod, mkdir, stat } from 'node:fs/promises';

/**
 * Creates a folder and missing parents for the owner only (mode 0700). An existing folder is not changed.
 * @returns The first folder that was created; `undefined` if all existed.
 */
export async function makeFolder(directory: string): Promise<string | undefined> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made === undefined) return undefined;
  // The umask may have removed permissions of the owner. Some file systems have no modes.
  const { mode } = await stat(directory);
  if ((mode & 0o700) !== 0o700) await chmod(directory, 0o700).catch(() => undefined);
  return made;
}

/** The fault in the mode of a folder with keys; `undefined` if there is none or the folder does not exist. */
export async function faultOfFolder(directory: string): Promise<string | undefined> {
  // On Windows, the mode does not cover other users.
  const seen = process.platform === 'win32' ? undefined : await stat(directory).catch(() => undefined);
  if (seen?.isDirectory() !== true || (seen.mode & 0o022) === 0) return undefined;
  const who = (seen.mode & 0o002) === 0 ? 'its group' : 'every user';
  const mode = (seen.mode & 0o7777).toString(8).padStart(4, '0');
  return `${directory} can be written to by ${who} (mode ${mode}), who can replace keys and certificates in it; expected only its owner: chmod go-w ${directory}`;
}
