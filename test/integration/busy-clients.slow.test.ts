/**
 * No client postpones its own revocation: however busy it keeps the server, it is disconnected within a second, and nothing of it
 * reaches a handler after the commit.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Server as NetServer } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { createServer, type Mtls, protect } from 'express-mtls';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import { type Certificate, ca } from '../support/chain.js';
import type { Target } from '../support/client.js';
import { dialled } from '../support/dial.js';
import {
  http2Server,
  listen,
  material,
  type Material,
  pause,
  publish,
  startServer,
  type TestServer,
  until,
} from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

/** Keeps the event loop for this long, as a handler that computes does. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

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
          messages.last = ownTime();
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
      if (committed === 0 && mtls.revocation.crls[0]?.number === '2') committed = ownTime();
    }, 1);
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = ownTime();
    await until(() => committed > 0, 'the CRL is in force', 5000);
    const after = messages.last;
    await until(
      () => sockets.every(({ readyState }) => readyState === WebSocket.CLOSED),
      'all are closed',
      15_000,
    );
    clearInterval(look);
    expect(messages.last).toBe(after);
    expect(after - published).toBeLessThan(aSecond);
    await until(() => server.recorder.events('evicted').length === 200, 'all are reported');
  });

  test('a hundred with a hundred messages a second each are out within a second', async () => {
    const { server, sockets, client2, messages } = await crowd(100, 10, 0.2);
    const { root, files } = server;
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = ownTime();
    await until(
      () => sockets.every(({ readyState }) => readyState === WebSocket.CLOSED),
      'all are closed',
      15_000,
    );
    expect(messages.last - published).toBeLessThan(aSecond);
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
  const target = { port: server.port, ca: root.pem };
  const sockets = await Promise.all(Array.from({ length: 20 }, () => dialled(target, client2)));
  await until(() => [...server.mtls.connections].length === 20, 'all are connected');
  publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  await until(() => sockets.every((socket) => socket.destroyed), 'all are closed');
  await until(() => openWhileLogged.length === 20, 'all are logged');
  expect(openWhileLogged).toEqual(Array(20).fill(0));
});

test('data that waits in the socket of a server without HTTP is dropped if the client was revoked meanwhile', async () => {
  const given = material();
  const { root, files } = given;
  const client2 = root.client('client2');
  const { key, cert } = given.options;
  let chunks = 0;
  const server = createTlsServer(
    {
      key: readFileSync(String(key)),
      cert: readFileSync(String(cert)),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => {
      socket.on('error', () => undefined);
      // A consumer that takes its time, as the target of a pipe does.
      socket.on('data', () => {
        chunks++;
        socket.pause();
      });
    },
  );
  const mtls = await protect(server, given.options);
  const socket = await dialled({ port: await listen(server), ca: root.pem }, client2);
  socket.write(Buffer.alloc(200_000));
  await until(() => chunks === 1, 'the first of it arrives');
  // The next is read, and waits.
  await pause(100);
  publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  await until(() => socket.destroyed, 'the connection is closed');
  expect(chunks).toBe(1);
  await mtls.close();
});

test('data that waits for a paused WebSocket is dropped if the client was revoked meanwhile', async () => {
  const server = await startServer();
  const { root, files, port } = server;
  const client2 = root.client('client2');
  let messages = 0;
  new WebSocketServer({ server: server.server }).on('connection', (webSocket) => {
    webSocket
      .on('error', () => undefined)
      .on('message', () => {
        messages++;
        webSocket.pause();
      });
  });
  const { keyPem: key, pem: cert } = client2;
  const socket = new WebSocket(`wss://localhost:${port}`, { ca: root.pem, key, cert });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  socket.send('first');
  await until(() => messages === 1, 'the first message arrives');
  socket.send('second');
  await pause(100);
  publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
  await until(() => socket.readyState === WebSocket.CLOSED, 'the connection is closed');
  await pause(50);
  expect(messages).toBe(1);
});

describe('a hundred clients that send without end deliver nothing after the commit', () => {
  const size = 100;

  /** Takes what clients send, and calls back at each piece. */
  type Serve = (given: Material, took: () => void) => Promise<{ server: NetServer; mtls: Mtls }>;
  /** Connects. What it resolves to is closed when the connection is. */
  type Open = (target: Target, client: Certificate) => Promise<Writable>;

  const take =
    (took: () => void) =>
    (data: Readable): void => {
      data.on('error', () => undefined).on('data', took);
    };
  const sendOn = (to: Writable): void => {
    const send = (): void => {
      while (!to.destroyed && to.write(Buffer.alloc(1000)));
    };
    // Not at once: a WebSocket drains in the turn that fills it, and other work would never have its own.
    to.on('drain', () => setImmediate(send)).on('error', () => undefined);
    send();
  };

  const serveHttp: Serve = async ({ options }, took) => {
    const server = await createServer(options, take(took));
    return { server, mtls: server.mtls };
  };
  const serveHttp2: Serve = async (given, took) => {
    const server = http2Server(given);
    server.on('stream', take(took));
    return { server, mtls: await protect(server, given.options) };
  };
  const serveWebSockets: Serve = async ({ options }, took) => {
    const server = await createServer(options);
    new WebSocketServer({ server }).on('connection', (webSocket) => {
      webSocket.on('message', took).on('error', () => undefined);
    });
    return { server, mtls: server.mtls };
  };
  const serveTls: Serve = async ({ files, options }, took) => {
    const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)];
    const server = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, take(took));
    return { server, mtls: await protect(server, options) };
  };

  const openHttp: Open = async ({ port, ca: trusted }, { keyPem: key, pem: cert }) => {
    const request = https.request({ port, host: 'localhost', method: 'POST', ca: trusted, key, cert });
    request.on('error', () => undefined).flushHeaders();
    const [socket] = (await once(request, 'socket')) as [TLSSocket];
    await once(socket, 'secureConnect');
    return request;
  };
  const openHttp2: Open = async ({ port, ca: trusted }, { keyPem: key, pem: cert }) => {
    const session = http2.connect(`https://localhost:${port}`, { ca: trusted, key, cert });
    session.on('error', () => undefined);
    await once(session, 'connect');
    return session.request({ ':method': 'POST' }).on('error', () => undefined);
  };
  const openWebSocket: Open = async ({ port, ca: trusted }, { keyPem: key, pem: cert }) => {
    const socket = new WebSocket(`wss://localhost:${port}`, { ca: trusted, key, cert });
    const stream = createWebSocketStream(socket).on('error', () => undefined);
    await once(socket, 'open');
    return stream;
  };

  test.each([
    ['bodies over HTTP/1', serveHttp, openHttp],
    ['bodies over HTTP/2', serveHttp2, openHttp2],
    ['messages over WebSockets', serveWebSockets, openWebSocket],
    ['data over TLS alone', serveTls, dialled],
  ])('%s', async (_what, serve, open) => {
    const given = material();
    const { root, files } = given;
    const client2 = root.client('client2');
    const pieces = { before: 0, after: 0 };
    const { server, mtls } = await serve(given, () => {
      work(0.2);
      pieces[isCommitted() ? 'after' : 'before']++;
    });
    const isCommitted = (): boolean => mtls.revocation.crls[0]?.number === '2';
    const target = { port: await listen(server), ca: root.pem };
    const sending = await Promise.all(Array.from({ length: size }, () => open(target, client2)));
    for (const one of sending) sendOn(one);
    await until(() => pieces.before > 1000, 'data arrive');
    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await until(() => sending.every(({ destroyed }) => destroyed), 'all connections are closed');
    expect(isCommitted()).toBe(true);
    expect(pieces.after).toBe(0);
    await mtls.close();
  });
});
