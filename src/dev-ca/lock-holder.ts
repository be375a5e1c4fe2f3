/**
 * Which process has the lock of a folder: how a file name says it, and whether
 * that process can be seen to have ended.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import os from 'node:os';

/** A process that has, or had, the lock. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** The machine and the pid namespace in which `pid` is its number; `undefined` for a lock of earlier versions. */
  readonly place: string | undefined;
  /** When it started, which tells it from a later process of the same number; `undefined` where no system says it. */
  readonly start: string | undefined;
}

/** This process, as others may know it. */
export async function describeSelf(): Promise<Holder> {
  const { pid } = process;
  const [place, seen] = await Promise.all([readPlace(), lookAt(pid)]);
  return { pid, host: hostName(), place, start: seen?.start };
}

/** A name that no other lock has: `4711@web1~PLACE~START~RANDOM`. */
export function formatHolder({ pid, host, place = '', start = '' }: Holder): string {
  return `${String(pid)}@${host}~${place}~${start}~${randomBytes(8).toString('hex')}`;
}

/** The process that {@link formatHolder} has named; `undefined` for another name. */
export function parseHolder(name: string): Holder | undefined {
  const [, pid, host, place, start] =
    /^([1-9]\d{0,9})@([\w.-]+)~([\da-f]*)~([\d.a-f-]*)~[\da-f]{16}$/.exec(name) ?? [];
  if (host === undefined) return undefined;
  return { pid: Number(pid), host, place: place ?? '', start: start === '' ? undefined : start };
}

/** The process that a lock file of an earlier version names: `4711 web1`. */
export function parseFormerHolder(text: string): Holder | undefined {
  const [, pid, host] = /^([1-9]\d{0,9}) (\S+)\n$/.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { pid: Number(pid), host: fileNameOf(host), place: undefined, start: undefined };
}

/** Whether the numbers of processes mean the same to both. */
export function isNeighbour(holder: Holder, self: Holder): boolean {
  return holder.host === self.host && (holder.place === undefined || holder.place === self.place);
}

/**
 * Whether a process is known to have ended. One of another machine or another pid namespace cannot be seen, and
 * counts as running: a live holder must never lose its lock.
 */
export async function isGone(holder: Holder, self: Holder): Promise<boolean> {
  if (!isNeighbour(holder, self)) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const seen = await lookAt(holder.pid);
  if (seen === undefined) return false;
  return seen.hasEnded || (holder.start !== undefined && holder.start !== seen.start);
}

interface Sighting {
  /** The boot of the machine, and the clock tick after it. */
  readonly start: string;
  /** A zombie keeps its number until its parent has asked for it; it still writes while one of its threads is left. */
  readonly hasEnded: boolean;
}

/** What Linux says of a process (proc_pid_stat(5)); `undefined` where it cannot be asked. */
async function lookAt(pid: number): Promise<Sighting | undefined> {
  // A /proc that was mounted in another pid namespace shows other processes under these numbers.
  if ((await readlink('/proc/self').catch(() => '')) !== String(process.pid)) return undefined;
  const [stat, boot] = await Promise.all([readText(`/proc/${String(pid)}/stat`), readBoot()]);
  // The name of the program is in parentheses, and may have some of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, ticks] = [fields[0], fields[17], fields[19]];
  if (ticks === undefined || boot === '') return undefined;
  return { start: `${boot}.${ticks}`, hasEnded: state === 'Z' && Number(threads) <= 1 };
}

// Linux gives every other pid namespace a number from those that are free, so that it may come again.
const initialNamespace = 'pid:[4026531836]';

/**
 * Where the numbers of processes are the same; empty where no system says it. A lock outlives a restart of its machine
 * there, while a container that was restarted is another place.
 */
async function readPlace(): Promise<string> {
  const [namespace, machine, boot] = await Promise.all([
    readlink('/proc/self/ns/pid').catch(() => ''),
    readText('/etc/machine-id'),
    readBoot(),
  ]);
  if (namespace === '') return '';
  const where = namespace === initialNamespace && machine !== '' ? machine : boot;
  // machine-id(5) asks not to show it.
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
