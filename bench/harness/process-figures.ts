/**
 * The CPU time and memory use of a process, as reported by Linux.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The CPU time of all threads of a process and its children, in milliseconds. */
export function cpuOfTree(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    // Nanoseconds on a CPU; /proc/PID/stat counts in hundredths of a second.
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
    for (const child of childrenOf(pid, thread)) sum += cpuOfTree(child);
  }
  return sum;
}

function childrenOf(pid: number, thread: string): number[] {
  const list = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

/** Resident memory in bytes: now, and the peak since {@link forgetPeak}. */
export function memoryOf(pid: number): { resident: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { resident: read('VmRSS'), peak: read('VmHWM') };
}

/** Resets the peak to the current resident memory (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
