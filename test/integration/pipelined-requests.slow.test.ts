/**
 * No client postpones its own revocation by pipelined requests, each of which occupies the event loop.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { identify } from 'express-mtls';
import { ca } from '../support/chain.js';
import { dialled } from '../support/dial.js';
import { pause, publish, startServer, until } from '../support/server.js';

/** Occupies the event loop for this long, like a handler that computes. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test.each([
  [20, 50],
  [50, 100],
])(
  '%i connections with %i pipelined requests of 1 ms each are served for less than a second after the revocation',
  async (connections, pipelined) => {
    const root = ca('ca');
    const client2 = root.client('client2');
    let lastServed = 0;
    const app = (req: IncomingMessage, res: ServerResponse): void => {
      work(1);
      if (identify(req) !== undefined) lastServed = performance.now();
      res.end('ok');
    };
    const server = await startServer({ root, app });
    const target = { port: server.port, ca: root.pem };
    const sockets = await Promise.all(Array.from({ length: connections }, () => dialled(target, client2)));
    const batch = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(pipelined);
    for (const socket of sockets) {
      let answers = 0;
      socket.on('data', (chunk: Buffer) => {
        answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
        if (answers >= pipelined / 2) {
          answers -= pipelined;
          socket.write(batch);
        }
      });
      socket.write(batch + batch);
    }
    await until(() => lastServed > 0, 'the requests are served', 10_000);
    await pause(2000);
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = performance.now();
    await until(() => sockets.every((socket) => socket.destroyed), 'all connections are closed', 15_000);
    expect(lastServed).toBeGreaterThan(published);
    expect(lastServed - published).toBeLessThan(1000);
  },
);
