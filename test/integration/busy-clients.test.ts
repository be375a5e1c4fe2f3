/**
 * No client postpones its own revocation: however busy it keeps the server, it is out within a second, and nothing of it
 * reaches a handler after the commit.
 *
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { identify } from 'express-mtls';
import { WebSocket, WebSocketServer } from 'ws';
import { type Certificate, ca } from '../support/chain.js';
import { publish, startServer, type TestServer, until } from '../support/server.js';

/** Keeps the event loop for this long, as a handler that computes does. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

async function dial({ root, port }: TestServer, client: Certificate): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: root.pem,
    key: client.keyPem,
    cert: client.pem,
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

test('20 connections with 50 pipelined requests of 1 ms each are served for no second after the revocation', async () => {
  const root = ca('ca');
  const client2 = root.client('client2');
  let lastServed = 0;
  const app = (req: IncomingMessage, res: ServerResponse): void => {
    work(1);
    if (identify(req) !== undefined) lastServed = performance.now();
    res.end('ok');
  };
  const server = await startServer({ root, app });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(server, client2)));
  const batch = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50);
  for (const socket of sockets) {
    let answers = 0;
    socket.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
      if (answers >= 25) {
        answers -= 50;
        socket.write(batch);
      }
    });
    socket.write(batch + batch);
  }
  await until(() => lastServed > 0, 'the requests are served', 10_000);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  const published = performance.now();
  await until(() => sockets.every((socket) => socket.destroyed), 'all connections are closed', 15_000);
  expect(lastServed).toBeGreaterThan(published);
  expect(lastServed - published).toBeLessThan(1000);
});

describe('WebSockets', () => {
  interface Crowd {
    readonly server: TestServer;
    readonly sockets: readonly WebSocket[];
    readonly client2: Certificate;
    readonly messages: { last: number; count: number };
  }

  async function crowd(size: number, everyMs: number, workMs: number): Promise<Crowd> {
    const root = ca('ca');
    const client2 = root.client('client2');
    const server = await startServer({ root });
    const webSockets = new WebSocketServer({ noServer: true });
    const messages = { last: 0, count: 0 };
    server.server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      webSockets.handleUpgrade(req, socket, head, (webSocket) => {
        webSocket.on('message', () => {
          work(workMs);
          messages.last = performance.now();
          messages.count++;
        });
        webSocket.on('error', () => undefined);
      });
    });
    const sockets: WebSocket[] = [];
    for (let begun = 0; begun < size; begun += 25) {
      const some = Array.from({ length: Math.min(25, size - begun) }, () => {
        const options = { ca: root.pem, key: client2.keyPem, cert: client2.pem };
        return new WebSocket(`wss://localhost:${server.port}`, options);
      });
      await Promise.all(some.map((socket) => once(socket, 'open')));
      sockets.push(...some);
    }
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      const timer = setInterval(() => {
        if (socket.readyState === WebSocket.OPEN) socket.send('tick');
      }, everyMs);
      socket.on('close', () => {
        clearInterval(timer);
      });
    }
    await until(() => messages.count > size, 'messages arrive', 10_000);
    return { server, sockets, client2, messages };
  }

  test('that send without end deliver nothing after the commit', async () => {
    const { server, sockets, client2, messages } = await crowd(200, 10, 0.02);
    const { root, files, mtls } = server;
    let committed = 0;
    const look = setInterval(() => {
      if (committed === 0 && mtls.revocation.crls[0]?.number === '2') committed = performance.now();
    }, 1);
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = performance.now();
    await until(() => committed > 0, 'the CRL is in force', 5000);
    const after = messages.last;
    await until(
      () => sockets.every(({ readyState }) => readyState === WebSocket.CLOSED),
      'all are closed',
      15_000,
    );
    clearInterval(look);
    expect(messages.last).toBe(after);
    expect(after - published).toBeLessThan(1000);
    await until(() => server.recorder.events('evicted').length === 200, 'all are reported');
  });

  test('a hundred with a hundred messages a second each are out within a second', async () => {
    const { server, sockets, client2, messages } = await crowd(100, 10, 0.2);
    const { root, files } = server;
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = performance.now();
    await until(
      () => sockets.every(({ readyState }) => readyState === WebSocket.CLOSED),
      'all are closed',
      15_000,
    );
    expect(messages.last - published).toBeLessThan(1000);
  });
});

test('clients are disconnected before anything of it is logged', async () => {
  const root = ca('ca');
  const client2 = root.client('client2');
  const accepted: TLSSocket[] = [];
  const openWhileLogged: number[] = [];
  const slow = {
    info: () => undefined,
    error: () => undefined,
    warn: ({ event }: { readonly event?: unknown }) => {
      if (event !== 'evicted') return;
      openWhileLogged.push(accepted.filter(({ destroyed }) => !destroyed).length);
      work(20);
    },
  };
  const server = await startServer({ root, options: { logger: slow } });
  server.server.on('secureConnection', (socket: TLSSocket) => {
    accepted.push(socket);
  });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(server, client2)));
  await until(() => [...server.mtls.connections].length === 20, 'all are connected');
  publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  await until(() => sockets.every((socket) => socket.destroyed), 'all are closed');
  await until(() => openWhileLogged.length === 20, 'all are logged');
  expect(openWhileLogged).toEqual(Array(20).fill(0));
});
