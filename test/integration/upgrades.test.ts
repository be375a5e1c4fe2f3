import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import {
  type ClientIdentity,
  type ClientRule,
  createServerOptions,
  type MtlsOptions,
  protect,
  requireClientOnUpgrade,
} from 'express-mtls';
import { ca, type Certificate } from '../support/chain.js';
import { Client, type TlsVersion, tlsVersions } from '../support/client.js';
import {
  Clock,
  listen,
  material,
  pause,
  publish,
  startServer,
  type TestServer,
  until,
} from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const hour = 3_600_000;
const upgrade = { headers: { Connection: 'Upgrade', Upgrade: 'echo' } };
const root = ca('ca');
const [client1, client2] = [root.client('client1'), root.client('client2')];

type Outcome = ClientIdentity | Error | undefined;
type Guard = ReturnType<typeof requireClientOnUpgrade>;

/** Upgrades whom the guard lets pass to an echo. Says what came of each upgrade. */
function guardUpgrades(server: net.Server, guard: Guard): Outcome[] {
  const outcomes: Outcome[] = [];
  server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
    guard(req, socket).then(
      (identity) => {
        outcomes.push(identity);
        if (identity === undefined) return;
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.pipe(socket);
      },
      (error: unknown) => outcomes.push(error as Error),
    );
  });
  return outcomes;
}

async function guarded(
  guard: Guard,
  options: Partial<MtlsOptions> = {},
): Promise<TestServer & { outcomes: Outcome[] }> {
  const server = await startServer({ root, options });
  return { ...server, outcomes: guardUpgrades(server.server, guard) };
}

/** A rule that answers when it is told to. */
function slowRule(): { rule: ClientRule; asked: Promise<void>; answer: (verdict: boolean) => void } {
  let ask = (): void => undefined;
  let answer = (_verdict: boolean): void => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const answered = new Promise<boolean>((resolve) => (answer = resolve));
  const rule = async (): Promise<boolean> => {
    ask();
    return await answered;
  };
  return { rule, asked, answer };
}

const problem = (status: number, title: string, code: string): string =>
  `${JSON.stringify({ type: 'about:blank', title, status, code })}\n`;
const unauthorized = problem(401, 'Unauthorized', 'ERR_MTLS_CERTIFICATE_REQUIRED');
const forbidden = problem(403, 'Forbidden', 'ERR_MTLS_CLIENT_FORBIDDEN');

/** A connection of which the TCP part is at hand, and what it has received. */
async function rawUpgrade(
  port: number,
  certificate: Certificate,
  version: TlsVersion,
  method = 'GET',
): Promise<{ tcp: Socket; received: () => string }> {
  const tcp = net.connect({ port, host: '127.0.0.1' });
  await once(tcp, 'connect');
  const socket = tls.connect({
    socket: tcp,
    servername: 'localhost',
    ca: root.pem,
    key: certificate.keyPem,
    cert: certificate.chainPem,
    minVersion: version,
    maxVersion: version,
  });
  let text = '';
  for (const each of [tcp, socket]) each.on('error', () => {});
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.write(`${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  return { tcp, received: () => text };
}

async function connectionsOf(server: net.Server): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

describe.each(tlsVersions)('an upgrade over %s', (version) => {
  test('succeeds for whom the rule admits, and is answered 403 for others and 401 for the anonymous', async () => {
    const server = await guarded(requireClientOnUpgrade({ commonName: 'client1' }), { clients: 'optional' });
    const open = await server.as(client1, { version }).upgrade('/chat');
    expect(await open.echo('hello')).toBe('hello');
    expect(server.outcomes).toMatchObject([{ commonName: 'client1' }]);

    const answers = [
      [await server.as(client2, { version }).get('/chat?token=secret', upgrade), 403, forbidden],
      [await server.as(undefined, { version }).get('/chat', upgrade), 401, unauthorized],
    ] as const;
    for (const [answer, status, body] of answers) {
      expect(answer).toMatchObject({
        status,
        body,
        headers: {
          'content-type': 'application/problem+json',
          'content-length': `${body.length}`,
          'cache-control': 'no-store',
          connection: 'close',
        },
      });
      expect(Date.parse(answer.headers.date ?? '')).not.toBeNaN();
    }
    expect(server.outcomes.slice(1)).toEqual([undefined, undefined]);
    expect(server.recorder.linesOf('forbidden')).toMatchObject([
      { fields: { commonName: 'client2', rule: '{ commonName: "client1" }', refusedBy: ['commonName'] } },
    ]);
    // Only the one that was upgraded is open yet.
    await until(async () => (await connectionsOf(server.server)) === 1, 'the others are closed');
    expect(await open.echo('still here')).toBe('still here');
  });

  test('without a rule, succeeds for every client with a certificate', async () => {
    const server = await guarded(requireClientOnUpgrade(), { clients: 'optional' });
    const open = await server.as(client2, { version }).upgrade();
    expect(await open.echo('hello')).toBe('hello');
    expect(await server.as(undefined, { version }).get('/', upgrade)).toMatchObject({ status: 401 });
  });

  test.each<[string, ClientRule, string | undefined]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
      'no database',
    ],
    ['rejects', () => Promise.reject(new Error('no database')), 'no database'],
    ['says something that is not true', (() => 'true') as unknown as ClientRule, undefined],
    ['promises false', () => Promise.resolve(false), undefined],
  ])('under a rule that %s is answered 403', async (_what, rule, fault) => {
    const server = await guarded(requireClientOnUpgrade(rule));
    expect(await server.as(client1, { version }).get('/', upgrade)).toMatchObject({
      status: 403,
      body: forbidden,
    });
    expect(server.outcomes).toEqual([undefined]);
    expect(server.recorder.linesOf('rule-failed').map(({ fields }) => fields['err'])).toMatchObject(
      fault === undefined ? [] : [{ message: fault }],
    );
    expect(server.recorder.linesOf('forbidden')).toHaveLength(fault === undefined ? 1 : 0);
  });

  test('of a client that is revoked while its rule is being asked does not happen', async () => {
    const { rule, asked, answer } = slowRule();
    const server = await guarded(requireClientOnUpgrade(rule), { watch: false });
    const call = server.as(client2, { version }).get('/', upgrade);
    await asked;
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    expect(await server.mtls.reload()).toMatchObject({ evicted: 1 });
    answer(true);
    expect(await call).toMatchObject({ status: 'refused' });
    await until(() => server.outcomes.length === 1, 'the guard has decided');
    expect(server.outcomes).toEqual([undefined]);
  });

  test('of a client whose certificate expires while its rule is being asked is answered 401', async () => {
    const { rule, asked, answer } = slowRule();
    const server = await guarded(requireClientOnUpgrade(rule));
    const brief = root.client({ notAfter: new Date(Date.now() + hour) });
    const call = server.as(brief, { version }).get('/', upgrade);
    await asked;
    // The clock is ahead of every timer: nothing but the guard can find out.
    server.clock.advance(2 * hour);
    answer(true);
    expect(await call).toMatchObject({
      status: 401,
      body: problem(401, 'Unauthorized', 'ERR_MTLS_CERTIFICATE_EXPIRED'),
    });
    expect(server.outcomes).toEqual([undefined]);
    await until(() => server.recorder.events('evicted').length === 1, 'the eviction is reported');
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'expired' }]);
  });

  test.each([true, false])(
    'of a client that resets while its rule is being asked ends nothing but its connection (%s)',
    async (verdict) => {
      const { rule, asked, answer } = slowRule();
      const server = await guarded(requireClientOnUpgrade(rule));
      const sockets: Socket[] = [];
      server.server.on('upgrade', (_req, socket: Socket) => sockets.push(socket));
      const { tcp } = await rawUpgrade(server.port, client1, version);
      await asked;
      // One that comes with the end of TLS 1.3's handshake looks like an end.
      await pause(50);
      tcp.resetAndDestroy();
      await until(async () => (await connectionsOf(server.server)) === 0, 'the server has noticed');
      answer(verdict);
      await until(() => server.outcomes.length === 1, 'the guard has decided');
      expect(server.outcomes).toEqual([undefined]);
      expect(sockets.map(({ errored }) => errored)).toMatchObject([{ code: 'ECONNRESET' }]);
      expect(await server.as(client1, { version }).get()).toMatchObject({ status: 200 });
    },
  );

  test('that is refused and was asked for by HEAD is answered without a body', async () => {
    const server = await guarded(requireClientOnUpgrade(() => false));
    const { tcp, received } = await rawUpgrade(server.port, client1, version, 'HEAD');
    await until(async () => (await connectionsOf(server.server)) === 0, 'the connection is closed');
    await until(() => received().endsWith('\r\n\r\n'), 'the answer has come');
    // What came after it would have come by now.
    await pause(50);
    tcp.destroy();
    expect(received()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n(?:[a-z-]+: .+\r\n)+\r\n$/);
  });
});

describe('on a server that', () => {
  test('speaks HTTP/2 too, a client of HTTP/1.1 may upgrade, and others are answered', async () => {
    const { files, options } = material({ root });
    const server = createSecureServer({
      key: readFileSync(files.key),
      cert: readFileSync(files.cert),
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
    });
    guardUpgrades(server, requireClientOnUpgrade({ commonName: 'client1' }));
    const mtls = await protect(server, { ...options, watch: false });
    const target = { port: await listen(server), ca: root.pem };
    const open = await new Client(target, client1).upgrade();
    expect(await open.echo('hello')).toBe('hello');
    expect(await new Client(target, client2).get('/', upgrade)).toMatchObject({
      status: 403,
      body: forbidden,
    });
    publish(files.crl, root.crl({ number: 2, revoked: [client1] }).pem);
    expect(await mtls.reload()).toMatchObject({ evicted: 1 });
    await until(() => open.isClosed, 'what was upgraded is closed');
  });

  test('createServerOptions() has made, a client that has been refused meanwhile is answered', async () => {
    const { options } = material({ root });
    const clock = new Clock();
    const server = createHttpsServer(await createServerOptions({ ...options, now: clock.now }));
    const outcomes = guardUpgrades(server, requireClientOnUpgrade());
    const target = { port: await listen(server), ca: root.pem };
    const brief = root.client({ notAfter: new Date(Date.now() + hour) });
    const client = new Client(target, brief, { keepAlive: true });
    server.on('request', (_req, res) => res.end('served'));
    expect(await client.get()).toMatchObject({ status: 200 });
    clock.advance(2 * hour);
    expect(await client.get('/', upgrade)).toMatchObject({
      status: 401,
      body: problem(401, 'Unauthorized', 'ERR_MTLS_CERTIFICATE_EXPIRED'),
    });
    expect(outcomes).toEqual([undefined]);
  });

  test('has no gate, no client upgrades, and the error says what to do', async () => {
    const { files } = material({ root });
    const server = createHttpsServer({ key: readFileSync(files.key), cert: readFileSync(files.cert) });
    const outcomes = guardUpgrades(server, requireClientOnUpgrade());
    const client = new Client({ port: await listen(server), ca: root.pem }, client1);
    expect(await client.get('/', upgrade)).toMatchObject({ status: 'refused' });
    expect(outcomes).toMatchObject([
      {
        code: 'ERR_MTLS_SERVER_UNPROTECTED',
        message: expect.stringContaining('create the server with createServer()'),
      },
    ]);
    expect(takeWarnings()).toEqual([expect.stringContaining('came through a TLS server without the gate')]);
  });

  test('has no TLS, the same', async () => {
    const server = createHttpServer();
    const outcomes = guardUpgrades(server, requireClientOnUpgrade());
    const socket = net.connect(await listen(server), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    expect(outcomes).toMatchObject([{ code: 'ERR_MTLS_SERVER_UNPROTECTED' }]);
    expect(takeWarnings()).toEqual([expect.stringContaining('came through a server without TLS')]);
  });
});

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['empty', {}],
  ['misspelt', { commonname: 'client1' }],
])('a rule that is %s stops the app when it starts', (_what, rule) => {
  expect(() => requireClientOnUpgrade(rule as ClientRule)).toThrow(
    expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID' }),
  );
});
