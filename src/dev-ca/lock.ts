/**
 * One writer per folder at a time, among processes. The lock is a folder, `ca-lock.txt`, and the name of its only
 * entry identifies the process that holds it. Every step is atomic, so a process can end between any two of them
 * without blocking others:
 * - A free lock is taken by renaming a folder with an entry into place. This fails if the lock has another entry.
 * - A stale lock is taken over by renaming its entry. Entry names are unique, so this succeeds for one process only,
 *   and never for a lock that was taken since.
 * - A lock is released by removing its entry. The remaining empty folder is a free lock.
 *
 * Earlier versions used a file with the same name. `openssl ca` uses neither.
 *
 * @module
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MtlsError } from '../errors.js';
import { hasCode, readIfPresent } from './files.js';
import {
  describeSelf,
  formatHolder,
  isGone,
  isNeighbour,
  parseFormerHolder,
  parseHolder,
  type Holder,
} from './lock-holder.js';

const lockName = 'ca-lock.txt';
const lockTimeoutMs = 15_000;
const pauseMs = 50;
// Earlier versions wrote their name into the file at once. A file that stays empty was left by a killed process.
const emptyFileMs = 60_000;

/**
 * Runs `work` while no other process does so in `directory`; waits for another process to finish.
 * @param patience - How long to wait, in milliseconds; 15 seconds by default.
 * @throws MtlsError `ERR_MTLS_CA_LOCKED` if the other process has not finished by then
 */
export async function withLock<Result>(
  directory: string,
  work: () => Promise<Result>,
  patience: number = lockTimeoutMs,
): Promise<Result> {
  const lock = path.join(directory, lockName);
  const self = await describeSelf();
  const entry = formatHolder(self);
  await acquire(lock, entry, self, patience);
  try {
    // Clean-up only: leftovers do not block other processes.
    await removeLeftovers(directory, self).catch(() => undefined);
    return await work();
  } finally {
    await rm(path.join(lock, entry), { force: true });
    // Another process may already have taken it.
    await removeEmpty(lock);
  }
}

async function acquire(lock: string, entry: string, self: Holder, patience: number): Promise<void> {
  const end = performance.now() + patience;
  for (;;) {
    const occupant = await lookAt(lock);
    if (occupant === 'none' || (await isStale(occupant, self))) {
      if (await seize(lock, occupant, entry)) return;
    }
    if (performance.now() >= end) throw held(lock, occupant, self);
    await delay(pauseMs);
  }
}

/** The holder of a lock. */
type Occupant =
  | 'none'
  | { readonly entry: string; readonly holder: Holder | undefined }
  /** The file of an earlier version. */
  | { readonly file: string; readonly holder: Holder | undefined };

async function lookAt(lock: string): Promise<Occupant> {
  try {
    const [entry] = await readdir(lock);
    return entry === undefined ? 'none' : { entry, holder: parseHolder(entry) };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'none';
    if (hasCode(error, 'ENOTDIR')) return await lookAtFile(lock);
    throw error;
  }
}

async function lookAtFile(lock: string): Promise<Occupant> {
  try {
    const text = await readIfPresent(lock);
    return text === undefined ? 'none' : { file: lock, holder: parseFormerHolder(text) };
  } catch (error) {
    // Another process took it over: it is now a folder, which cannot be taken while it has an entry.
    if (hasCode(error, 'EISDIR')) return 'none';
    throw error;
  }
}

async function isStale(occupant: Exclude<Occupant, 'none'>, self: Holder): Promise<boolean> {
  if (occupant.holder !== undefined) return await isGone(occupant.holder, self);
  return 'file' in occupant && (await isEmptyFor(occupant.file, emptyFileMs));
}

async function isEmptyFor(file: string, spanMs: number): Promise<boolean> {
  const seen = await stat(file).catch(() => undefined);
  return seen?.isFile() === true && seen.size === 0 && Date.now() - seen.mtimeMs > spanMs;
}

/** Takes a free or stale lock, and returns whether that succeeded. */
async function seize(lock: string, occupant: Occupant, entry: string): Promise<boolean> {
  if (occupant === 'none') return await install(lock, entry);
  if ('entry' in occupant)
    return await succeeds(rename(path.join(lock, occupant.entry), path.join(lock, entry)));
  // This cannot remove a lock that was taken since, because that is a folder.
  await succeeds(unlink(lock));
  return await install(lock, entry);
}

async function install(lock: string, entry: string): Promise<boolean> {
  const staged = `${lock}.${entry}`;
  try {
    await mkdir(staged, 0o700);
    await shareWithFolder(staged);
    await writeFile(path.join(staged, entry), '', { flag: 'wx', mode: 0o600 });
    // Not every system can rename a folder over an empty one.
    await removeEmpty(lock);
    return await succeeds(rename(staged, lock));
  } finally {
    await removeStaged(staged, entry);
  }
}

// Windows has neither flag.
const { O_DIRECTORY: folderOnly = 0, O_NOFOLLOW: noLink = 0 } = constants as {
  readonly O_DIRECTORY?: number;
  readonly O_NOFOLLOW?: number;
};

/** Other users who can write to the folder must be able to take over its lock, as far as the system allows. */
async function shareWithFolder(staged: string): Promise<void> {
  const { mode, uid, gid } = await stat(path.dirname(staged));
  // Uses the handle: if others can write to the folder, the name may refer to something else by now.
  const handle = await open(staged, constants.O_RDONLY | folderOnly | noLink).catch(() => undefined);
  try {
    await handle?.chmod(mode & 0o777);
    const own = process.getuid?.();
    if (own !== undefined) await handle?.chown(own === 0 ? uid : own, gid);
  } catch {
    // Some file systems have no modes or owners.
  } finally {
    await handle?.close();
  }
}

async function removeStaged(staged: string, entry: string): Promise<void> {
  await rm(path.join(staged, entry), { force: true });
  await removeEmpty(staged);
}

async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}

// The errors that mean another process was faster. Windows reports EPERM and EACCES.
const overtaken = ['ENOENT', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR', 'EPERM'];
if (process.platform === 'win32') overtaken.push('EACCES', 'EBUSY');

async function succeeds(step: Promise<void>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (overtaken.some((code) => hasCode(error, code))) return false;
    throw error;
  }
}

/** Removes what killed processes have left beside the lock. It does not block anything. */
async function removeLeftovers(directory: string, self: Holder): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${lockName}.`)) continue;
    const place = path.join(directory, name);
    const suffix = name.slice(lockName.length + 1);
    if (!(await isLeftover(place, suffix, self))) continue;
    if (suffix === guardSuffix) await unlink(place);
    else await removeStaged(place, suffix);
  }
}

// Earlier versions took over a stale lock under a second lock.
const guardSuffix = 'takeover';

async function isLeftover(place: string, suffix: string, self: Holder): Promise<boolean> {
  const isGuard = suffix === guardSuffix;
  const holder = isGuard ? parseFormerHolder((await readIfPresent(place)) ?? '') : parseHolder(suffix);
  return holder === undefined ? isGuard : await isGone(holder, self);
}

function held(lock: string, occupant: Occupant, self: Holder): MtlsError {
  const who = occupant === 'none' ? undefined : nameHolder(occupant.holder, self);
  return new MtlsError('ERR_MTLS_CA_LOCKED', {
    seen: `according to ${lock}, ${who ?? 'another process'} is writing to this folder`,
    remedy: 'wait for it to finish, or remove ca-lock.txt if there is no such process',
  });
}

function nameHolder(holder: Holder | undefined, self: Holder): string | undefined {
  if (holder === undefined) return undefined;
  const name = `process ${String(holder.pid)} on ${holder.host}`;
  const isHidden = holder.host === self.host && !isNeighbour(holder, self);
  return isHidden ? `${name}, in another container or before a restart,` : name;
}
