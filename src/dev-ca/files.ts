/**
 * Two ways to write a file: one never overwrites, the other replaces atomically.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { MtlsError } from '../errors.js';
import { readBounded } from './bounded-file.js';
import { shellCommand } from './shell.js';

/** Who can read a file: everyone, or only its owner. */
export type FileAccess = 'public' | 'secret';

/**
 * Creates `file`. A `'secret'` file gets mode 0600.
 * @throws MtlsError `ERR_MTLS_FILE_EXISTS` if it exists
 */
export async function createFile(file: string, content: string | Buffer, access: FileAccess): Promise<void> {
  const handle = await open(file, 'wx', access === 'secret' ? 0o600 : 0o644).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new MtlsError(
      'ERR_MTLS_FILE_EXISTS',
      {
        seen: `${file} already exists and is never overwritten`,
        remedy: `to replace it, remove it with "${shellCommand('rm', file)}"; or use another name or folder`,
      },
      { cause: error },
    );
  });
  try {
    // The umask may have removed permissions of the owner. Some file systems have no modes.
    if (access === 'secret') await handle.chmod(0o600).catch(() => undefined);
    await handle.writeFile(content);
  } finally {
    await handle.close();
  }
}

/** Replaces `file` atomically: a reader sees the old content or the new. */
export async function replaceFile(
  file: string,
  content: string | Buffer,
  access: FileAccess = 'public',
): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await createFile(temporary, content, access);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The text of `file`. @throws MtlsError, and errors of the file system, like {@link readBounded} */
export async function readText(file: string): Promise<string> {
  return (await readBounded(file)).toString('utf8');
}

/** The text of `file`, or `undefined` if it does not exist. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readText(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether `error` is the system error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
