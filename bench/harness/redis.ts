/**
 * A Redis of the benchmark's own.
 *
 * @module
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, startProgram } from './child.js';
import { within } from './clock.js';
import type { Bench } from './context.js';
import { freePort } from './other-servers.js';

/** Starts `redis-server` without persistence, and returns its URL. It ends with the benchmark. */
export async function startRedis(bench: Bench): Promise<string> {
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    bench.material.directory,
  ];
  const server = startProgram('redis-server', args);
  await within(listens(port), 10_000, 'starting redis-server');
  bench.own({ stop: () => endProcess(server) });
  return `redis://127.0.0.1:${port}`;
}

async function listens(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      const end = (isConnected: boolean) => (): void => {
        socket.destroy();
        resolve(isConnected);
      };
      socket.once('connect', end(true)).once('error', end(false));
    });
    if (isOpen) return;
    await sleep(20);
  }
}
