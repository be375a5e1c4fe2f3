/**
 * No client postpones its own revocation by requests that wait on its connections, each of which occupies the event loop.
 *
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { expect, test } from '@jest/globals';
import { identify, protect } from 'express-mtls';
import { ca } from '../support/chain.js';
import { dialled } from '../support/dial.js';
import { http2Server, listen, material, pause, publish, startServer, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

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
    let [served, lastServed] = [0, 0];
    const app = (req: IncomingMessage, res: ServerResponse): void => {
      work(1);
      served++;
      if (identify(req) !== undefined) lastServed = ownTime();
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
    await until(() => served > 2 * pipelined, 'the requests are served', 60_000);
    await pause(1000);
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = ownTime();
    await until(() => sockets.every((socket) => socket.destroyed), 'all connections are closed', 60_000);
    expect(lastServed).toBeGreaterThan(0);
    expect(lastServed - published).toBeLessThan(aSecond);
  },
  // On a busy machine a turn of the event loop, with all requests that wait, takes tens of seconds.
  180_000,
);

test('of 100 streams of HTTP/2 that arrive together, those that are handled long after the revocation are refused', async () => {
  const given = material();
  const { root, files } = given;
  const client2 = root.client('client2');
  const { keyPem: key, pem: cert } = client2;
  let [handled, served] = [0, 0];
  const server = http2Server(given);
  server.on('request', (req, res) => {
    // All streams are in what the session has read, so no other turn of the event loop comes between them.
    if (handled++ === 0) publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    work(40);
    if (identify(req) !== undefined) served++;
    res.end('ok');
  });
  const mtls = await protect(server, given.options);
  const port = await listen(server);
  const session = http2.connect(`https://localhost:${port}`, { ca: root.pem, key, cert });
  session.on('error', () => undefined);
  await once(session, 'connect');
  for (let count = 0; count < 100; count++)
    session
      .request()
      .on('error', () => undefined)
      .resume();
  await until(() => session.destroyed, 'the session is closed', 30_000);
  // By the same clock as the streams, so that it does not matter how busy the machine is: 100 would take four seconds.
  expect(handled).toBeGreaterThan(0);
  expect(served).toBeLessThan(50);
  await mtls.close();
});
