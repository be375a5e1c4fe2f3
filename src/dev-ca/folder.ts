/**
 * Folders that may hold keys: made for their owner alone, and looked at where they are there already.
 *
 * @module
 */
import { chmod, mkdir, stat } from 'node:fs/promises';

/**
 * Makes a folder, and those above it that are missing, for their owner alone (mode 0700). One that is there stays as
 * it is.
 * @returns The first folder that was made; `undefined` where all were there.
 */
export async function makeFolder(directory: string): Promise<string | undefined> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made === undefined) return undefined;
  // The umask may have taken rights of the owner too. Some file systems have no modes.
  const { mode } = await stat(directory);
  if ((mode & 0o700) !== 0o700) await chmod(directory, 0o700).catch(() => undefined);
  return made;
}

/** What is wrong with the mode of a folder of keys; `undefined` where nothing is, or it is not there. */
export async function faultOfFolder(directory: string): Promise<string | undefined> {
  // On Windows the mode says nothing about other users.
  const seen = process.platform === 'win32' ? undefined : await stat(directory).catch(() => undefined);
  if (seen?.isDirectory() !== true || (seen.mode & 0o022) === 0) return undefined;
  const who = (seen.mode & 0o002) === 0 ? 'its group' : 'every user';
  const mode = (seen.mode & 0o7777).toString(8).padStart(4, '0');
  return `${directory} can be written to by ${who} (mode ${mode}), who can replace keys and certificates in it; expected its owner alone: chmod go-w ${directory}`;
}
