/**
 * The ways in which a proxy proves itself without a certificate: by a Unix socket, by a secret, by its address; and
 * HTTP/2, where the requests of many clients share a connection.
 *
 * @module
 */
import { once } from 'node:events';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createNetServer, Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import {
  clientIdentity,
  createServer,
  identify,
  type Logger,
  type Mtls,
  mtlsErrorHandler,
  type ProxiedServer,
  protect,
} from 'express-mtls';
import { ca } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { escaped, headOf, proxySession, TestProxy } from '../support/proxied.js';
import {
  http2Server,
  listen,
  material,
  publish,
  Recorder,
  silent,
  startServer,
  until,
} from '../support/server.js';

const root = ca('ca');
const client1 = root.client('client1');
const client2 = root.client('client2');
const header = (client = client1): string[] => ['X-SSL-Client-Cert', escaped(client)];

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function app(): RequestListener {
  const made = express();
  made.use(clientIdentity());
  made.get('/held', (_req, res) => {
    res.write('a part');
  });
  made.use((req, res) => {
    res.json({
      name: req.clientIdentity?.commonName ?? 'nobody',
      via: req.clientIdentity?.via,
      headers: req.headers,
    });
  });
  made.use(mtlsErrorHandler());
  return made;
}

function trust(): { readonly ca: string; readonly crl: string; readonly logger: Logger } {
  const directory = temporaryDirectory();
  const files = { ca: join(directory, 'ca.pem'), crl: join(directory, 'crl.pem') };
  writeFileSync(files.ca, root.pem);
  writeFileSync(files.crl, root.crl({ number: 1 }).pem);
  return { ...files, logger: silent };
}

async function listenOn(server: ProxiedServer, path: string): Promise<void> {
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(path);
  await once(server, 'listening');
}

describe('a proxy on a Unix socket', () => {
  const proxies = { from: { socket: true }, header: 'nginx' } as const;
  const start = async (path: string, mode?: 0o600): Promise<ProxiedServer> => {
    const from = mode === undefined ? proxies.from : ({ socket: true, mode } as const);
    const server = await createServer({ ...trust(), proxies: { ...proxies, from } }, app());
    await listenOn(server, path);
    return server;
  };

  test('forwards clients, and the socket has its mode when listen() returns', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const server = await createServer({ ...trust(), proxies }, app());
    const before = process.umask(0);
    try {
      closers.push(() => server.close());
      server.listen(path);
      expect((statSync(path).mode & 0o777).toString(8)).toBe('660');
      expect(process.umask(0)).toBe(0);
    } finally {
      process.umask(before);
    }
    await once(server, 'listening');
    const { status, body } = await new TestProxy({ socketPath: path }).get('/', header());
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 200, name: 'client1' });
    server.closeAllConnections();
  });

  test('may need the mode 0o600', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    await start(path, 0o600);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
  });

  test('replaces a socket that no process answers on, and no other', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const left = createNetServer();
    await once(left.listen(path), 'listening');
    const taken = await createServer({ ...trust(), proxies }, app());
    const refused = once(taken, 'error');
    taken.listen(path);
    expect((await refused)[0]).toMatchObject({ code: 'EADDRINUSE' });
    // A killed process leaves its socket file behind, on which no process listens.
    const fd = createNetServer();
    const stale = join(temporaryDirectory(), 'stale.sock');
    await once(fd.listen(stale), 'listening');
    leaveBehind(fd, stale);
    await until(() => existsSync(stale), 'the file is there');
    await start(stale);
    expect((await new TestProxy({ socketPath: stale }).get('/', header())).status).toBe(200);
    left.close();
  });

  test('is one of several that start at once and find the same file: the others report that it is taken', async () => {
    const path = join(temporaryDirectory(), 'stale.sock');
    leaveBehind(createNetServer(), path);
    const servers = await Promise.all(
      [1, 2].map(async () => await createServer({ ...trust(), proxies }, app())),
    );
    const outcomes = await Promise.all(
      servers.map(async (server) => {
        closers.push(() => {
          server.close();
          server.closeAllConnections();
        });
        const outcome = new Promise<string | undefined>((resolve) => {
          server.once('listening', () => {
            resolve('listening');
          });
          server.once('error', ({ code }: NodeJS.ErrnoException) => {
            resolve(code);
          });
        });
        server.listen(path);
        return await outcome;
      }),
    );
    expect(outcomes.sort()).toEqual(['EADDRINUSE', 'listening']);
    expect((await new TestProxy({ socketPath: path }).get('/', header())).status).toBe(200);
  });

  test('has the options of listen() too where a file was left behind', async () => {
    const path = join(temporaryDirectory(), 'stale.sock');
    leaveBehind(createNetServer(), path);
    const given = { path, backlog: 3, exclusive: true };
    const seen: unknown[] = [];
    let called = 0;
    const { listen: listenOnce } = Server.prototype;
    Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
      seen.push(args[0]);
      return (listenOnce as (...all: unknown[]) => Server).apply(this, args);
    } as typeof listenOnce;
    closers.push(() => (Server.prototype.listen = listenOnce));
    const again = await createServer({ ...trust(), proxies }, app());
    closers.push(() => again.close());
    again.listen(given, () => called++);
    await once(again, 'listening');
    expect(seen).toEqual([given, given]);
    expect(called).toBe(1);
  });

  test.each<[string, unknown]>([
    ['a port', 0],
    ['a port in text', '0x1f90'],
    ['a port in text with a fraction', '8080.0'],
    ['a port and a host', { port: 0, host: '127.0.0.1' }],
    ['an abstract socket', '\0express-mtls'],
    ['an abstract socket in an object', { path: '\0express-mtls' }],
  ])('is refused on %s', async (_, where) => {
    const server = await createServer({ ...trust(), proxies }, app());
    expect(() => server.listen(where as string)).toThrow(/proxies\.from is \{ socket: true \}/);
  });

  test('is refused with an option that opens the socket to every user', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const server = await createServer({ ...trust(), proxies }, app());
    for (const option of ['readableAll', 'writableAll'])
      expect(() => server.listen({ path, [option]: true })).toThrow(/let every user of the host open/);
    expect(existsSync(path)).toBe(false);
  });

  test('is refused on a socket that another process made with a wider mode', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const other = createNetServer();
    await once(other.listen(path), 'listening');
    chmodSync(path, 0o666);
    const server = await createServer({ ...trust(), proxies }, app());
    const failed = once(server, 'error');
    // A handle that was handed over, as a cluster does it.
    server.emit('listening');
    expect((await failed)[0]).toMatchObject({ code: expect.stringMatching(/^ERR_MTLS/) as unknown });
    other.close();
  });
});

/** Closes a server, and leaves its file: close() removes it. */
function leaveBehind(server: ReturnType<typeof createNetServer>, path: string): void {
  server.close();
  if (existsSync(path)) return;
  // A socket whose process is gone: bound, and never listened on again.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

describe('a proxy with a secret', () => {
  const secrets = { one: 'o'.repeat(32), two: 't'.repeat(40) };
  const withSecret = (secret: string, client = client1): string[] => [
    ...header(client),
    ...['Mtls-Proxy-Secret', secret],
  ];

  test('forwards clients, and nothing else does', async () => {
    const recorder = new Recorder();
    const file = join(temporaryDirectory(), 'secret');
    writeFileSync(file, `${secrets.one}\n`);
    const proxies = { from: { secret: { path: file } }, header: 'nginx' } as const;
    const server = await createServer({ ...trust(), proxies, logger: recorder.logger }, app());
    recorder.listenTo(server.mtls);
    const port = await listen(server);
    const proxy = new TestProxy({ port });
    const { body } = await proxy.get('/', withSecret(secrets.one));
    expect(JSON.parse(body)).toMatchObject({ name: 'client1' });
    expect(JSON.stringify(JSON.parse(body))).not.toMatch(/ooooo|secret/);
    const attempts = [
      withSecret(secrets.two),
      withSecret(''),
      header(),
      [...withSecret(secrets.one), 'Mtls-Proxy-Secret', secrets.one],
    ];
    for (const headers of attempts)
      expect(await new TestProxy({ port }).get('/', headers)).toMatchObject({ status: 403 });
    expect(recorder.events('refused').map(({ reason }) => reason)).toEqual(attempts.map(() => 'not-a-proxy'));
    expect(JSON.stringify(recorder.lines)).not.toMatch(/ooooo|ttttt/);
  });

  test('may have several, and a new one counts from the reload on', async () => {
    const directory = temporaryDirectory();
    const paths = [join(directory, 'one'), join(directory, 'two')] as const;
    writeFileSync(paths[0], secrets.one);
    writeFileSync(paths[1], secrets.two);
    const from = { secret: paths.map((path) => ({ path })) };
    const server = await createServer({ ...trust(), proxies: { from, header: 'nginx' } }, app());
    const port = await listen(server);
    const ask = async (secret: string): Promise<unknown> =>
      (await new TestProxy({ port }).get('/', withSecret(secret))).status;
    expect([await ask(secrets.one), await ask(secrets.two)]).toEqual([200, 200]);
    publish(paths[0], 'n'.repeat(32));
    await server.mtls.reload();
    expect([await ask(secrets.one), await ask(secrets.two), await ask('n'.repeat(32))]).toEqual([
      403, 200, 200,
    ]);
    publish(paths[0], 'short');
    await expect(server.mtls.reload()).rejects.toMatchObject({
      message: expect.stringContaining('5 bytes') as unknown,
    });
    expect(await ask('n'.repeat(32))).toBe(200);
  });

  test('works over TLS as well, beside clients that connect themselves', async () => {
    const from = { secret: Buffer.from(secrets.one) };
    const server = await startServer({
      root,
      app: app(),
      options: { proxies: { from, header: 'nginx', direct: 'admit' } },
    });
    const proxy = new TestProxy({ port: server.port, ca: root.pem });
    expect((await proxy.get('/', withSecret(secrets.one))).status).toBe(200);
    // It is a proxy's from then on. One that has sent no secret may be a client's.
    expect((await proxy.get('/', header())).status).toBe(403);
    const stranger = new TestProxy({ port: server.port, ca: root.pem });
    expect((await stranger.get('/', header())).status).toBe(401);
    const direct = new TestProxy({ port: server.port, ca: root.pem, certificate: client2 });
    expect(JSON.parse((await direct.get('/', header())).body)).toMatchObject({ name: 'client2' });
  });
});

describe('the connection of a proxy', () => {
  const nameOf = (of: Parameters<typeof identify>[0]): string => identify(of)?.commonName ?? 'nobody';
  const secret = ['Mtls-Proxy-Secret', 's'.repeat(32)];
  const bySecret = { secret: Buffer.alloc(32, 's') };

  test('has no identity, though it has a certificate that a client could have', async () => {
    const server = await startServer({
      root,
      app: (req, res) => res.end(`${nameOf(req)}, ${nameOf(req.socket)}`),
      options: { proxies: { from: bySecret, header: 'nginx', direct: 'admit' } },
    });
    const certificate = root.client('proxy');
    const proxy = new TestProxy({ port: server.port, ca: root.pem, certificate });
    // Before a secret has come on it, it may be that of a client.
    expect((await proxy.get('/')).body).toBe('proxy, proxy');
    expect((await proxy.get('/', [...secret, ...header()])).body).toBe('client1, nobody');
    expect([...server.mtls.connections]).toEqual([]);
    const { status, socket } = await proxy.get('/');
    expect({ status, isOpen: socket?.destroyed === false }).toEqual({ status: 403, isOpen: true });
    expect((await proxy.get('/', [...secret, ...header(client2)])).body).toBe('client2, nobody');
  });

  test('has none from the start where clients may not connect themselves', async () => {
    const written = material({ root });
    const server = http2Server(written);
    const recorder = new Recorder();
    const mtls = await protect(server, {
      ...written.options,
      logger: recorder.logger,
      proxies: { from: bySecret, header: 'nginx' },
    });
    recorder.listenTo(mtls);
    closers.push(() => void mtls.close());
    const onSocket: string[] = [];
    server.on('session', ({ socket }) => onSocket.push(nameOf(socket)));
    server.on('request', (req, res) => res.end(`${nameOf(req)}, ${nameOf(req.socket)}`));
    const port = await listen(server);
    const session = await proxySession({ port, ca: root.pem, certificate: root.client('proxy') });
    const { stream } = await headOf(
      session.request({ 'x-ssl-client-cert': escaped(client1), 'mtls-proxy-secret': 's'.repeat(32) }),
    );
    expect((await once(stream.setEncoding('utf8'), 'data'))[0]).toBe('client1, nobody');
    expect(onSocket).toEqual(['nobody']);
    expect((await headOf(session.request({ 'x-ssl-client-cert': escaped(client1) }))).status).toBe(403);
    expect(recorder.events('authenticated').map(({ identity }) => identity.commonName)).toEqual(['client1']);
  });
});

describe('a proxy at an address', () => {
  test.each([
    ['127.0.0.0/8', 200],
    ['10.0.0.0/8', 403],
  ])('of %s is answered with %i', async (network, status) => {
    const proxies = { from: { addresses: [network] }, header: 'nginx' } as const;
    const server = await createServer({ ...trust(), proxies }, app());
    const port = await listen(server);
    expect((await new TestProxy({ port }).get('/', header())).status).toBe(status);
  });

  test('says the address of its client, for the log alone', async () => {
    const recorder = new Recorder();
    const proxies = {
      from: { addresses: ['127.0.0.1'] },
      header: 'nginx',
      clientAddress: 'x-forwarded-for',
    } as const;
    const server = await createServer({ ...trust(), proxies }, app());
    recorder.listenTo(server.mtls);
    const port = await listen(server);
    await new TestProxy({ port }).get('/', [...header(), 'X-Forwarded-For', '203.0.113.7, 192.0.2.1']);
    expect(recorder.events('authenticated').map(({ remoteAddress }) => remoteAddress)).toEqual(['192.0.2.1']);
  });
});

describe('over HTTP/2', () => {
  const proxyCertificate = root.client('nginx');

  test('a revocation ends the streams of its client, and those of another go on', async () => {
    const written = material({ root });
    const server = http2Server(written);
    const mtls = await protect(server, {
      ...written.options,
      logger: silent,
      proxies: { from: { ca: root.pem, rule: { commonName: 'nginx' } }, header: 'nginx' },
    });
    closers.push(() => void mtls.close());
    server.on('request', (req, res) => {
      res.setHeader(
        'x-client',
        (req as { clientIdentity?: { commonName: string } }).clientIdentity?.commonName ?? '',
      );
      if (req.url === '/held') res.write('a part');
      else res.end(JSON.stringify(req.headers));
    });
    const port = await listen(server);
    const session = await proxySession({ port, ca: root.pem, certificate: proxyCertificate });
    const ask = async (path: string, client: typeof client1): ReturnType<typeof headOf> =>
      await headOf(
        session.request({ ':path': path, 'x-ssl-client-cert': escaped(client), 'x-other': 'stays' }),
      );
    const [mine, others] = [await ask('/held', client1), await ask('/held', client2)];
    const whole = await ask('/', client1);
    const [body] = (await once(whole.stream.setEncoding('utf8'), 'data')) as [string];
    expect(Object.keys(JSON.parse(body) as object)).not.toContain('x-ssl-client-cert');
    expect(body).toContain('"x-other":"stays"');
    const ended = once(mine.stream, 'close');
    publish(written.files.crl, root.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
    await mtls.reload();
    await ended;
    expect(mine.stream.rstCode).toBe(8);
    expect(others.stream.closed).toBe(false);
    expect((await ask('/', client1)).status).toBe(401);
    expect((await ask('/', client2)).status).toBe(200);
    expect(session.destroyed).toBe(false);
  });

  test('without TLS protect() takes a server of node:http2', async () => {
    const server = createHttp2Server((_req, res) => res.end('served'));
    const mtls: Mtls = await protect(server, {
      ...trust(),
      proxies: { from: { secret: Buffer.alloc(32, 's') }, header: 'nginx' },
    });
    closers.push(() => void mtls.close());
    const port = await listen(server);
    const { connect } = await import('node:http2');
    const session = connect(`http://127.0.0.1:${port}`);
    closers.push(() => {
      session.destroy();
    });
    const ask = async (secret: string): Promise<number | undefined> => {
      const request = session.request({ 'x-ssl-client-cert': escaped(client1), 'mtls-proxy-secret': secret });
      return (await headOf(request)).status;
    };
    expect(await ask('s'.repeat(32))).toBe(200);
    expect(await ask('t'.repeat(32))).toBe(403);
    expect(await ask('s'.repeat(32))).toBe(200);
  });
});
