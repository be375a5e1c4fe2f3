/**
 * Servers that are programs of their own, in the foreground, with one configuration file.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Material, RunningServer } from '../adapter.js';
import { freePort, isListening } from '../../test/support/ports.js';
import { waitUntil } from './waiting.js';

// Debian has them in a folder that is not in every user's PATH.
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const startLimitMs = 20_000;
const endLimitMs = 3000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Daemon {
  readonly material: Material;
  readonly program: string;
  /** The name of the file that the configuration is written to. */
  readonly file: string;
  configure(port: number): string;
  readonly args: (path: string) => readonly string[];
  /** The signal that has it read its files again, or the arguments of a command that does. */
  readonly reload: NodeJS.Signals | ((path: string) => readonly string[]);
  /** The arguments of a command that tests the configuration. If it fails, nothing is reloaded, as an operator would do. */
  readonly test?: (path: string) => readonly string[];
}

/** The version that a program prints; `undefined` if it is not installed. */
export function versionOf(program: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env });
  return error === undefined ? /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] : undefined;
}

/** Starts a program, and waits until it listens. */
export async function startDaemon(daemon: Daemon): Promise<RunningServer> {
  const { material, program, reload } = daemon;
  const port = Number(await freePort());
  const configuration = daemon.configure(port);
  const path = join(material.folder, daemon.file);
  writeFileSync(path, configuration, { mode: 0o644 });
  const child = spawn(program, daemon.args(path), {
    env: { ...env, HOME: material.folder },
    cwd: material.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4000)));
  running.add(child);
  child.once('error', (error) => (output += error.message));
  child.once('exit', () => running.delete(child));
  const ready = async (): Promise<boolean> => child.exitCode !== null || (await isListening(port));
  if ((await waitUntil(ready, startLimitMs)) === undefined || child.exitCode !== null) {
    await end(child);
    throw new Error(lastLine(output) ?? 'it does not listen');
  }
  return {
    port,
    configuration: anonymous(configuration, material),
    pid: child.pid ?? 0,
    reload: async () => {
      if (daemon.test !== undefined && (await runs(program, daemon.test(path))) !== 0) return;
      if (typeof reload === 'string') child.kill(reload);
      else await runs(program, reload(path));
    },
    stop: async () => {
      await end(child);
    },
  };
}

/** Runs a command to its end. @returns Its exit code. */
async function runs(program: string, args: readonly string[]): Promise<number | null> {
  const [code] = (await once(spawn(program, args, { env, stdio: 'ignore' }), 'exit')) as [number | null];
  return code;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), endLimitMs);
  await exited;
  clearTimeout(limit);
}

/** Folders and ports differ from run to run. */
function anonymous(configuration: string, { folder, backend, files }: Material): string {
  return configuration
    .replaceAll(folder, '/run/server')
    .replaceAll(files.key.replace(/\/[^/]*$/, ''), '/etc/server')
    .replaceAll(`127.0.0.1:${backend}`, 'app:8080')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:443')
    .trim();
}

function lastLine(output: string): string | undefined {
  return output.trim().split('\n').at(-1)?.slice(0, 300);
}
