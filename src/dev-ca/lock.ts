/**
 * One writer to a folder at a time, among processes: a lock file with the
 * process in it. `openssl ca` knows nothing of it.
 *
 * @module
 */
import { open, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MtlsError } from '../errors.js';
import { hasCode, readIfPresent } from './files.js';

const patienceMs = 15_000;
const pauseMs = 50;

/**
 * Does `work` while no other process does any in `directory`; waits for another one.
 * @param patience - How long it waits, in milliseconds. Default 15 seconds.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where the other one is still at it then
 */
export async function withLock<Result>(
  directory: string,
  work: () => Promise<Result>,
  patience: number = patienceMs,
): Promise<Result> {
  const file = path.join(directory, 'ca-lock.txt');
  await acquire(file, patience);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, patience: number): Promise<void> {
  const end = performance.now() + patience;
  while (!(await create(file))) {
    const holder = await readIfPresent(file);
    if (performance.now() >= end) throw held(file, holder ?? '');
    if (holder !== undefined && isGone(holder)) await removeStale(file);
    else await delay(pauseMs);
  }
}

/** Whether the file was not there before, and is now this process's. */
async function create(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o644);
    try {
      await handle.writeFile(`${String(process.pid)} ${os.hostname()}\n`);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Only a process of this machine can be seen to be gone; a file that is still empty is being written. */
function isGone(holder: string): boolean {
  const [, pid, host] = /^([1-9]\d{0,9}) (\S+)\n$/.exec(holder) ?? [];
  if (pid === undefined || host !== os.hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

/**
 * Of two that see a stale lock one removes it, under a lock for that, and looks
 * again first: the other might remove the lock that the first has made since.
 */
export async function removeStale(file: string): Promise<void> {
  const guard = `${file}.takeover`;
  if (!(await create(guard))) {
    await delay(pauseMs);
    return;
  }
  try {
    const holder = await readFile(file, 'utf8').catch(() => '');
    if (isGone(holder)) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

function held(file: string, holder: string): MtlsError {
  const [pid = '', host = ''] = holder.trim().split(' ');
  const who = pid === '' ? 'another process' : `process ${pid} on ${host}`;
  return new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${file} says that ${who} is writing to this folder; wait for it, or remove the file if there is no such process`,
  );
}
