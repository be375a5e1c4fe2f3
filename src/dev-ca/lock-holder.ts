/**
 * Identifies the process that holds the lock of a folder by a file name, and detects whether it has ended.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import os from 'node:os';

/** A process that holds, or held, the lock. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** The machine and pid namespace that `pid` refers to; `undefined` for a lock of an earlier version. */
  readonly place: string | undefined;
  /**
   * The start time, which distinguishes it from a later process with the same pid; `undefined` if the system does not
   * report it.
   */
  readonly start: string | undefined;
}

/** This process, as other processes can identify it. */
export async function describeSelf(): Promise<Holder> {
  const { pid } = process;
  const [place, seen] = await Promise.all([readPlace(), lookAt(pid)]);
  return { pid, host: hostName(), place, start: seen?.start };
}

/** A unique name for a lock: `4711@web1~PLACE~START~RANDOM`. */
export function formatHolder({ pid, host, place = '', start = '' }: Holder): string {
  return `${String(pid)}@${host}~${place}~${start}~${randomBytes(8).toString('hex')}`;
}

/** The process in a name from {@link formatHolder}; `undefined` for any other name. */
export function parseHolder(name: string): Holder | undefined {
  const [, pid, host, place, start] =
    /^([1-9]\d{0,9})@([\w.-]+)~([\da-f]*)~([\d.a-f-]*)~[\da-f]{16}$/.exec(name) ?? [];
  if (host === undefined) return undefined;
  return { pid: Number(pid), host, place: place ?? '', start: start === '' ? undefined : start };
}

/** The process in a lock file of an earlier version: `4711 web1`. */
export function parseFormerHolder(text: string): Holder | undefined {
  const [, pid, host] = /^([1-9]\d{0,9}) (\S+)\n$/.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { pid: Number(pid), host: fileNameOf(host), place: undefined, start: undefined };
}

/** Whether pids mean the same to both processes. */
export function isNeighbour(holder: Holder, self: Holder): boolean {
  return holder.host === self.host && (holder.place === undefined || holder.place === self.place);
}

/**
 * Whether a process is known to have ended. A process on another machine or in another pid namespace is not visible,
 * and counts as running: a live holder must never lose its lock.
 */
export async function isGone(holder: Holder, self: Holder): Promise<boolean> {
  if (!isNeighbour(holder, self)) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM means that it runs as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const seen = await lookAt(holder.pid);
  if (seen === undefined) return false;
  return seen.hasEnded || (holder.start !== undefined && holder.start !== seen.start);
}

interface Sighting {
  /** The boot of the machine, and the clock tick of the start. */
  readonly start: string;
  /**
   * A zombie keeps its pid until its parent has waited for it. It still counts as running while it has other threads.
   */
  readonly hasEnded: boolean;
}

/** The status of a process on Linux (proc_pid_stat(5)); `undefined` if it is not available. */
async function lookAt(pid: number): Promise<Sighting | undefined> {
  // A /proc mounted in another pid namespace has other processes under these pids.
  if ((await readlink('/proc/self').catch(() => '')) !== String(process.pid)) return undefined;
  const [stat, boot] = await Promise.all([readText(`/proc/${String(pid)}/stat`), readBoot()]);
  // The program name is in parentheses, and can contain parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, ticks] = [fields[0], fields[17], fields[19]];
  if (ticks === undefined || boot === '') return undefined;
  return { start: `${boot}.${ticks}`, hasEnded: state === 'Z' && Number(threads) <= 1 };
}

// Linux numbers every other pid namespace from the free numbers, so a number can be reused.
const initialNamespace = 'pid:[4026531836]';

/**
 * Identifies where pids are shared; empty if the system does not report it. On the host, it stays the same across
 * reboots, so a lock can be detected as stale; a restarted container is a different place.
 */
async function readPlace(): Promise<string> {
  const [namespace, machine, boot] = await Promise.all([
    readlink('/proc/self/ns/pid').catch(() => ''),
    readText('/etc/machine-id'),
    readBoot(),
  ]);
  if (namespace === '') return '';
  const where = namespace === initialNamespace && machine !== '' ? machine : boot;
  // machine-id(5) asks to keep it confidential.
  return createHash('sha256').update(`express-mtls lock ${where} ${namespace}`).digest('hex').slice(0, 16);
}

async function readBoot(): Promise<string> {
  return await readText('/proc/sys/kernel/random/boot_id');
}

async function readText(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}

function hostName(): string {
  return fileNameOf(os.hostname());
}

function fileNameOf(host: string): string {
  return host.replace(/[^\w.-]/g, '_').slice(0, 100) || '_';
}
