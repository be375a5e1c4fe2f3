/**
 * Clients that come in floods: good ones are served all the while, and what is held for the others is bounded.
 *
 * @module
 */
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, protect } from 'express-mtls';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { temporaryDirectory } from '../support/files.js';
import {
  http2Server,
  listen,
  material,
  pause,
  startServer,
  type TestServer,
  until,
} from '../support/server.js';
import { ownTime } from '../support/elapsed.js';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Connects so many times over, and once more a moment after each end, until the test is over. */
function flood(many: number, connect: () => net.Socket): { readonly ends: number } {
  const state = { ends: 0 };
  const open = new Set<net.Socket>();
  let isOver = false;
  const again = (): void => {
    if (isOver) return;
    const socket = connect();
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      open.delete(socket);
      state.ends++;
      setTimeout(again, 100).unref();
    });
  };
  for (let each = 0; each < many; each++) again();
  stops.push(() => {
    isOver = true;
    for (const socket of open) socket.destroy();
  });
  return state;
}

async function connectionsOf({ server }: TestServer): Promise<number> {
  return await promisify(server.getConnections.bind(server))();
}

/** How many of so many new connections of a good client are answered. */
async function served(server: TestServer, many: number): Promise<number> {
  const client1 = server.root.client('client1');
  let answered = 0;
  for (let each = 0; each < many; each++) {
    const answer = await server.as(client1).get();
    if (answer.status === 200) answered++;
  }
  return answered;
}

describe('a flood of connections that never shake hands', () => {
  test('is cut to so many as may be under way, and good clients are served', async () => {
    // On a busy machine the flood takes longer than a connection may be idle by default.
    const tls = { keepAliveTimeout: 60_000 };
    const server = await startServer({ options: { limits: { pendingHandshakes: 100 }, tls } });
    const good = server.as(server.root.client('client1'), { keepAlive: true });
    await good.get();
    const attack = flood(150, () => net.connect(server.port, '127.0.0.1'));
    await until(() => attack.ends > 50, 'places are taken from those that hold them');
    expect(await served(server, 50)).toBeGreaterThan(40);
    expect(await good.get()).toMatchObject({ status: 200 });
    // Those beyond the limit are closing.
    expect(await connectionsOf(server)).toBeLessThan(160);
    await server.mtls.close();
    const [line] = server.recorder.linesOf('handshakes-dropped');
    expect(line).toMatchObject({ level: 'warn', fields: { limit: 100 } });
    expect(line?.fields['dropped']).toBeGreaterThan(50);
  });

  test('takes its places from itself: those that hold them for longer than a second go first', async () => {
    const server = await startServer({ options: { limits: { pendingHandshakes: 20 } } });
    const sockets = Array.from({ length: 20 }, () => net.connect(server.port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined);
    stops.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    await pause(1100);
    expect(await served(server, 10)).toBe(10);
    // One place is enough for those who come one after the other.
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(1);
    expect(sockets[0]?.destroyed).toBe(true);
  });
});

test('a completed handshake is neither counted nor timed', async () => {
  const limits = { pendingHandshakes: 1, handshakeTimeoutMs: 1000 };
  const server = await startServer({ options: { limits } });
  const client = server.as(server.root.client('client1'), { keepAlive: true });
  const { localPort } = await client.get();
  await pause(1300);
  expect(await served(server, 3)).toBe(3);
  expect(await client.get()).toMatchObject({ status: 200, localPort });
});

test('clients of a Unix socket, who have no address, do not lose their connections to one another', async () => {
  const { root, options } = material();
  const server = await createServer(
    { ...options, limits: { pendingHandshakes: 1, handshakeTimeoutMs: 1000 } },
    (_req, res) => res.end('served'),
  );
  const path = join(temporaryDirectory(), 'server.sock');
  await once(server.listen(path), 'listening');
  const { keyPem: key, pem: cert } = root.client();
  const connect = async (): Promise<tls.TLSSocket> => {
    const socket = tls.connect({ path, servername: 'localhost', ca: root.pem, key, cert });
    stops.push(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  };
  const open = [await connect(), await connect()];
  await pause(800);
  // One that is being made when the time of the first ones is over.
  const idle = net.connect(path);
  stops.push(
    () => idle.destroy(),
    () => server.close(),
  );
  await pause(500);
  for (const socket of open) {
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
    expect(answer).toContain('200 OK');
  }
});

test('behind a proxy protocol, which puts other addresses on a socket, connections that are made stay', async () => {
  const server = await startServer({ options: { limits: { handshakeTimeoutMs: 1000 } } });
  const front = net.createServer({ pauseOnConnect: true }, (socket) => {
    Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.1' });
    Object.defineProperty(socket, 'remotePort', { value: 1234 });
    server.server.emit('connection', socket);
    socket.resume();
  });
  const client = new Client({ port: await listen(front), ca: server.root.pem }, server.root.client(), {
    keepAlive: true,
  });
  const { localPort } = await client.get();
  await pause(1300);
  expect(await client.get()).toMatchObject({ status: 200, localPort });
});

describe('a handshake that does not end', () => {
  test.each(['that never begins', 'that stops in the middle'])('%s has a limited time', async (kind) => {
    const server = await startServer({ options: { limits: { handshakeTimeoutMs: 1000 } } });
    await hangUp(server.port, kind);
    expect(await served(server, 1)).toBe(1);
  });

  test('has it on a server made elsewhere as well, HTTP/2 or not', async () => {
    const written = material();
    const server = http2Server(written);
    await protect(server, { ...written.options, limits: { handshakeTimeoutMs: 1000 } });
    await hangUp(await listen(server), 'that never begins');
  });

  async function hangUp(port: number, kind: string): Promise<void> {
    const began = performance.now();
    const started = ownTime();
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    // Only the head of a ClientHello.
    if (kind === 'that stops in the middle') socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
    await once(socket.resume(), 'close');
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(ownTime() - started).toBeLessThan(5000);
  }
});

test('clients that come again as fast as they are refused do not keep good ones out, nor fill the log', async () => {
  const server = await startServer({});
  const stranger = ca('other').client();
  const attack = [
    flood(10, () => tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })),
    flood(10, () =>
      tls.connect({
        port: server.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        key: stranger.keyPem,
        cert: stranger.pem,
      }),
    ),
  ];
  const good = server.as(server.root.client('client1'), { keepAlive: true });
  await good.get();
  await until(() => attack.every(({ ends }) => ends > 30), 'all have been refused again and again');
  expect(await served(server, 30)).toBe(30);
  expect(await good.get()).toMatchObject({ status: 200 });
  expect([...server.mtls.connections]).toHaveLength(1);
  expect(server.recorder.linesOf('refused')).toHaveLength(20);
  expect(await connectionsOf(server)).toBeLessThan(30);
});
