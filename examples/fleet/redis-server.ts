/**
 * A Redis server of the demo's own, in a folder that is removed.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Difference } from '../demo/narrator.js';

/** Starts `redis-server` on a free port. It is killed when this process ends. */
export async function startRedis(folder: string): Promise<{ url: string; kill: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    {
      stdio: 'ignore',
    },
  );
  const failed = once(child, 'error').then(() => {
    throw new Difference(
      'redis-server',
      'installed: "apt-get install redis-server", "brew install redis", or https://redis.io',
      'nothing of that name',
    );
  });
  process.once('exit', () => child.kill('SIGKILL'));
  await Promise.race([listens(port), failed]);
  failed.catch(() => undefined);
  return { url: `redis://127.0.0.1:${port}`, kill: () => kill(child) };
}

/** Ends a process without notice. */
export async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function freePort(): Promise<string> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return String(port);
}

async function listens(port: string): Promise<void> {
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      socket.destroy();
    }
  }
}
