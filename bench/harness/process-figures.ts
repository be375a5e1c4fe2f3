/**
 * What Linux says of a process: the CPU it has used, and its memory.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** CPU time of every thread of a process and of its children, in milliseconds. */
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

/** Resident memory in bytes: now, and the most since {@link forgetPeak}. */
export function memoryOf(pid: number): { resident: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { resident: read('VmRSS'), peak: read('VmHWM') };
}

/** Lets the peak start again from what is resident now (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
