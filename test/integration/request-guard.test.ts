import { once } from 'node:events';
import http2 from 'node:http2';
import tls from 'node:tls';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type MtlsOptions, protect } from 'express-mtls';
import { ca, type Certificate, type CertificateAuthority } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import {
  Clock,
  http2Server,
  listen,
  material,
  Recorder,
  silent,
  startServer,
  type TestServer,
  until,
} from '../support/server.js';

const hour = 3_600_000;

/** A server whose handler does not use the identity, and a client whose certificate expires in an hour. */
async function withoutMiddleware(
  reached: string[],
): Promise<{ server: TestServer; brief: Certificate; lasting: Certificate }> {
  const root = ca('ca');
  const app: RequestListener = (req, res) => {
    reached.push(`${req.method} ${req.url}`);
    res.end('served');
  };
  const server = await startServer({ root, app });
  const brief = root.client({ commonName: 'brief', notAfter: new Date(Date.now() + hour) });
  return { server, brief, lasting: root.client('lasting') };
}

describe.each(tlsVersions)('over %s, a handler that never asks who is calling', (version) => {
  test('receives requests only of clients that are still admitted', async () => {
    const reached: string[] = [];
    const { server, brief, lasting } = await withoutMiddleware(reached);
    const gone = server.as(brief, { version, keepAlive: true });
    const good = server.as(lasting, { version, keepAlive: true });
    expect(await gone.get('/before')).toMatchObject({ status: 200, body: 'served' });
    const { localPort } = await good.get('/before');
    // The clock is ahead of every timer: nothing but the request itself can find out.
    server.clock.advance(2 * hour);
    const refused = await gone.get('/after');
    expect(refused).toMatchObject({ status: 401, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(refused.body)).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'ERR_MTLS_CERTIFICATE_EXPIRED',
      reason: 'expired',
    });
    await until(() => gone.connection.isClosed, 'the connection is closed');
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'expired' }]);
    expect(await good.get('/good')).toMatchObject({ status: 200, localPort });
    expect(reached).toEqual(['GET /before', 'GET /before', 'GET /good']);
  });

  test('nor one that waits for 100 Continue', async () => {
    const { server, brief } = await withoutMiddleware([]);
    let asked = 0;
    server.server.on('checkContinue', () => asked++);
    const gone = server.as(brief, { version, keepAlive: true });
    await gone.get();
    server.clock.advance(2 * hour);
    expect(await gone.get('/', { headers: { Expect: '100-continue' } })).toMatchObject({ status: 401 });
    expect(asked).toBe(0);
  });

  test.each([
    ['upgrade', '/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } }],
    ['connect', 'localhost:1', { method: 'CONNECT' }],
  ])('nor what comes as the event %s', async (event, path, options) => {
    const { server, brief } = await withoutMiddleware([]);
    let seen = 0;
    server.server.on(event, (_req: IncomingMessage, socket: Socket) => {
      seen++;
      socket.end();
    });
    const gone = server.as(brief, { version, keepAlive: true });
    await gone.get();
    server.clock.advance(2 * hour);
    expect(await gone.get(path, options)).toMatchObject({ status: 'refused' });
    expect(seen).toBe(0);
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'expired' }]);
  });

  test.each(['request', 'stream'] as const)('nor a %s over HTTP/2', async (event) => {
    const written = material();
    const { root, options } = written;
    const server = http2Server(written);
    const [clock, recorder] = [new Clock(), new Recorder()];
    const mtls = await protect(server, { ...options, now: clock.now });
    recorder.listenTo(mtls);
    let seen = 0;
    if (event === 'request') {
      server.on('request', (_req, res) => {
        seen++;
        res.end('served');
      });
    } else {
      server.on('stream', (stream) => {
        seen++;
        stream.respond({ ':status': 200 });
        stream.end('served');
      });
    }
    const target = { port: await listen(server), ca: root.pem };
    const brief = root.client({ notAfter: new Date(Date.now() + hour) });
    const gone = await new Client(target, brief, { version }).http2();
    expect(await gone.get()).toEqual({ status: 200, body: 'served' });
    clock.advance(2 * hour);
    expect(await gone.get()).toMatchObject({
      status: 401,
      body: expect.stringContaining('"ERR_MTLS_CERTIFICATE_EXPIRED"'),
    });
    await until(() => gone.isClosed, 'the session is closed');
    expect(recorder.events('evicted')).toMatchObject([{ reason: 'expired' }]);
    expect(seen).toBe(1);
  });
});

describe.each(tlsVersions)('over HTTP/2 and %s, a client that is no longer admitted', (version) => {
  interface World {
    readonly port: number;
    readonly root: CertificateAuthority;
    readonly seen: string[];
    /** Puts the clock ahead of every certificate. */
    readonly expire: () => void;
  }

  async function started(options: Partial<MtlsOptions> = {}): Promise<World> {
    const written = material();
    const server = http2Server(written);
    const clock = new Clock();
    await protect(server, { ...written.options, now: clock.now, logger: silent, ...options });
    const seen: string[] = [];
    server.on('session', (session) => {
      session.on('stream', (_stream, headers) => seen.push(`session ${headers[':path'] ?? ''}`));
    });
    server.on('request', (req, res) => {
      seen.push(`request ${req.url}`);
      res.end('served');
    });
    const port = await listen(server);
    return {
      port,
      root: written.root,
      seen,
      expire: () => {
        clock.advance(2 * hour);
      },
    };
  }

  async function sessionTo({ port, root }: World, client: Certificate): Promise<http2.ClientHttp2Session> {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: root.pem,
      key: client.keyPem,
      cert: client.chainPem,
      ALPNProtocols: ['h2'],
      minVersion: version,
      maxVersion: version,
    });
    const session = http2.connect('https://localhost', { createConnection: () => socket });
    for (const each of [session, socket]) each.on('error', () => {});
    await once(session, 'connect');
    return session;
  }

  // Not by once(), to which a reset is a failure.
  async function closed(session: http2.ClientHttp2Session): Promise<void> {
    await new Promise<void>((resolve) => {
      if (session.closed && session.destroyed) resolve();
      else session.once('close', resolve);
    });
  }

  const ways: [string, (session: http2.ClientHttp2Session) => http2.ClientHttp2Stream][] = [
    ['asks by HEAD', (session) => session.request({ ':path': '/after', ':method': 'HEAD' })],
    [
      'takes its request back with an error',
      (session) => {
        const stream = session.request({ ':path': '/after' });
        // After the eviction: what is cancelled before that is never sent.
        setImmediate(() => {
          stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
        });
        return stream;
      },
    ],
    [
      'takes its request back when it has been answered',
      (session) => {
        const stream = session.request({ ':path': '/after', ':method': 'POST' }, { endStream: false });
        stream.once('response', () => {
          stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
        });
        return stream;
      },
    ],
  ];

  test.each(ways)('%s: the server lives on, and no listener hears of it', async (_way, ask) => {
    const world = await started();
    const client = world.root.client({ notAfter: new Date(Date.now() + hour) });
    const session = await sessionTo(world, client);
    const before = session.request({ ':path': '/before' });
    before.resume();
    await once(before, 'close');
    world.expire();
    const stream = ask(session);
    stream.on('error', () => {}).resume();
    await closed(session);
    expect(world.seen).toEqual(['request /before', 'session /before']);
  });

  test.each(ways)("%s, refused from the start under onRefused: 'respond': the same", async (_way, ask) => {
    const world = await started({ onRefused: 'respond' });
    const session = await sessionTo(world, ca('other').client());
    const stream = ask(session);
    stream.on('error', () => {}).resume();
    await closed(session);
    expect(world.seen).toEqual([]);
  });
});

test('a request on a connection that the gate has not judged reaches no handler', async () => {
  const reached: string[] = [];
  const { server } = await withoutMiddleware(reached);
  const destroyed: string[] = [];
  server.server.emit('request', { socket: {}, destroy: () => destroyed.push('request') }, {});
  expect(reached).toEqual([]);
  expect(destroyed).toEqual(['request']);
});
