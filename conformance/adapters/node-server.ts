/**
 * What the adapters of servers in this process have in common.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo, Server, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ErrorRequestHandler } from 'express';
import type { Adapter, RunningServer } from '../adapter.js';
import { echoUpgrade } from '../harness/app.js';

/**
 * Listens, and echoes what is upgraded.
 * @param source - `import.meta.url` of the adapter, which is its configuration
 * @param port - The port, if one is given; a free one otherwise
 */
export async function serve(
  server: Server,
  reload: RunningServer['reload'],
  source: string,
  port = 0,
): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  if (server.listenerCount('upgrade') === 0) server.on('upgrade', echoUpgrade);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    configuration: sourceOf(source),
    pid: process.pid,
    reload,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The code of an adapter, without its imports. */
export function sourceOf(url: string): string {
  return readFileSync(fileURLToPath(url), 'utf8')
    .replace(/^.*?(?=^export const)/ms, '')
    .trim();
}

/** The version of an installed package. */
export function packageVersion(name: string): string | undefined {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** What middleware of Express on node:https does not claim to do. */
export const lacksOfMiddleware: NonNullable<Adapter['lacks']> = {
  http2: 'Express speaks HTTP/1.1',
  websocket: 'middleware of Express does not see upgrades',
  hosts: 'node:https leaves the host of a request to the app',
  alternativeNames: 'the app reads them from the same object as on node-https',
  names: 'it is middleware: see node-https',
};

/** Answers an error of Express with its status alone. */
export const sendStatus: ErrorRequestHandler = (error: { status?: number }, _req, res, _next) => {
  res.sendStatus(error.status ?? 500);
};
