/**
 * Mistakes in the set-up: each is reported, once, and none of them leaves a request without an answer.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import express4 from 'express4';
import {
  clientIdentity,
  createServer,
  MtlsError,
  mtlsErrorHandler,
  protect,
  requestLog,
  requireClient,
  requireClientOnUpgrade,
} from 'express-mtls';
import { requireBoundToken } from 'express-mtls/oauth';
import { statusRouter } from 'express-mtls/status';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { http2Server, listen, material, pause, startServer, until } from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const expresses = [
  { name: 'Express 5', framework: express },
  { name: 'Express 4', framework: express4 },
];

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Starts an app the way of Express, without TLS. */
async function listenPlainly(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** The status and the body; a request that is not answered fails. */
async function ask(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return { status: response.status, body: await response.text() };
}

async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const limit = new AbortController();
  const late = pause(5000).then(() => {
    if (!limit.signal.aborted) throw new Error('the request was not answered');
  });
  late.catch(() => {});
  const first = await Promise.race([answer, late]);
  limit.abort();
  return first as Answer;
}

const quiet: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status((error as MtlsError).status).send((error as MtlsError).code);
};

const withoutTls =
  'the request came through a server without TLS, where no client certificate is verified; create the server with createServer() or createServerOptions(), or protect() it before it listens; in a test without TLS, wrap the app with asClient() of express-mtls/testing';

describe.each(expresses)('a server without the gate, $name', ({ framework }) => {
  function guardedApp(errorHandler: ErrorRequestHandler): Express {
    const app = framework();
    app.get('/', clientIdentity(), (_req, res) => res.send('reached'));
    app.get('/guarded', requireClient(), (_req, res) => res.send('reached'));
    app.use(errorHandler);
    return app;
  }

  test.each([
    ['mtlsErrorHandler()', mtlsErrorHandler()],
    ['an error handler that says nothing', quiet],
  ])('answers 500 by %s, and warns once of the missing TLS', async (_what, errorHandler) => {
    const url = await listenPlainly(guardedApp(errorHandler));
    for (const path of ['', 'guarded', '']) {
      const { status, body } = await ask(url + path);
      expect([status, body]).toEqual([500, expect.stringContaining('ERR_MTLS_SERVER_UNPROTECTED')]);
    }
    expect(takeWarnings()).toEqual([withoutTls]);
  });

  test('warns of each server', async () => {
    const app = guardedApp(mtlsErrorHandler());
    for (const url of [await listenPlainly(app), await listenPlainly(app)]) await ask(url);
    expect(takeWarnings()).toEqual([withoutTls, withoutTls]);
  });

  test('with TLS, warns once of the missing gate', async () => {
    const { files, root } = material();
    const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)];
    const tls = { key, cert, ca: root.pem, requestCert: true, rejectUnauthorized: false };
    const port = await listen(https.createServer(tls, guardedApp(mtlsErrorHandler())));
    const client = new Client({ port, ca: root.pem }, root.client('client1'));
    for (const path of ['/', '/guarded']) expect((await client.get(path)).status).toBe(500);
    expect(takeWarnings()).toEqual([expect.stringContaining('came through a TLS server without the gate')]);
  });
});

describe('an error with status 500 in a handler', () => {
  function faultyApp(): Express {
    const app = express();
    app.get('/guarded', requireClient({ commonName: 'nobody' }), (_req, res) => res.send('reached'));
    app.get('/:which', ({ params: { which } }) => {
      throw new MtlsError('ERR_MTLS_PEM_INVALID', { seen: `certificate ${which}\u001B[2J does not read` });
    });
    app.use(mtlsErrorHandler());
    return app;
  }

  test('is logged once, with its message, the request and the client', async () => {
    const server = await startServer({ app: faultyApp() });
    const client = server.as(server.root.client({ commonName: 'client1', serial: '1001' }));
    for (let call = 0; call < 3; call++) expect((await client.get('/1')).status).toBe(500);
    expect(server.recorder.linesOf('request-failed')).toEqual([
      {
        level: 'error',
        message: 'a request failed (ERR_MTLS_PEM_INVALID): certificate 1\\u{1b}[2J does not read',
        fields: expect.objectContaining({
          event: 'request-failed',
          code: 'ERR_MTLS_PEM_INVALID',
          detail: 'certificate 1\\u{1b}[2J does not read',
          method: 'GET',
          url: '/1',
          remoteAddress: '127.0.0.1',
          commonName: 'client1',
          serialNumber: '1001',
        }),
      },
    ]);
    await client.get('/2');
    expect(server.recorder.linesOf('request-failed')).toHaveLength(2);
    expect(takeWarnings()).toEqual([]);
  });

  test('is logged ten times at the most, whatever callers make of its message', async () => {
    const server = await startServer({ app: faultyApp() });
    const client = server.as(server.root.client('client1'), { keepAlive: true });
    for (let call = 0; call < 15; call++) await client.get(`/${call}`);
    expect(server.recorder.linesOf('request-failed')).toHaveLength(10);
  });

  test('is one warning of the process where there is no logger', async () => {
    const server = await startServer({ app: faultyApp(), options: { logger: undefined } });
    const client = server.as(server.root.client('client1'));
    for (let call = 0; call < 3; call++) await client.get('/1');
    expect(takeWarnings()).toEqual(['certificate 1\\u{1b}[2J does not read']);
  });

  test('is not logged for a refused caller', async () => {
    const server = await startServer({ app: faultyApp() });
    expect((await server.as(server.root.client('client1')).get('/guarded')).status).toBe(403);
    expect(server.recorder.linesOf('request-failed')).toEqual([]);
  });
});

describe.each(expresses)('a middleware that was not called, $name', ({ framework }) => {
  type Mount = (app: Express, handler: RequestHandler) => void;
  const use =
    (factory: unknown): Mount =>
    (app, handler) => {
      app.use(factory as RequestHandler);
      app.get('/', handler);
    };
  const mounts: [string, Mount][] = [
    ['clientIdentity', use(clientIdentity)],
    ['requestLog', use(requestLog)],
    ['mtlsErrorHandler', use(mtlsErrorHandler)],
    ['requireClient', (app, handler) => app.get('/', requireClient as unknown as RequestHandler, handler)],
    ['requireBoundToken', use(requireBoundToken)],
    ['requireClientOnUpgrade', use(requireClientOnUpgrade)],
  ];

  test.each(mounts)('%s: requests are answered 500, and the log says to call it', async (name, mount) => {
    let reached = 0;
    const app = framework();
    mount(app, (_req, res) => res.send(String(reached++)));
    app.use(mtlsErrorHandler());
    const server = await startServer({ app });
    const client = server.as(server.root.client('client1'));
    for (let call = 0; call < 2; call++)
      expect(await answered(client.get())).toMatchObject({
        status: 500,
        body: expect.stringContaining('ERR_MTLS_OPTION_INVALID'),
      });
    expect(reached).toBe(0);
    expect(server.recorder.linesOf('request-failed').map(({ fields }) => fields['detail'])).toEqual([
      `the app was given ${name} itself instead of the middleware that it returns; call it: ${name}()`,
    ]);
  });

  test.each(mounts)('%s: without a gate and an error handler, the process is warned', async (name, mount) => {
    const app = framework();
    app.set('env', 'test');
    mount(app, (_req, res) => res.send('reached'));
    const url = await listenPlainly(app);
    for (let call = 0; call < 2; call++) expect((await ask(url)).status).toBe(500);
    expect(takeWarnings()).toEqual([expect.stringContaining(`call it: ${name}()`)]);
  });

  test('mtlsErrorHandler behind the routes, where no request comes: the first request finds it', async () => {
    const app = framework();
    const router = framework.Router();
    router.get('/', (_req, res) => res.send('reached'));
    router.use(mtlsErrorHandler as unknown as RequestHandler);
    app.use('/', router);
    const server = await startServer({ app });
    const client = server.as(server.root.client('client1'));
    for (let call = 0; call < 2; call++) expect(await client.get()).toMatchObject({ body: 'reached' });
    expect(server.recorder.linesOf('request-failed').map(({ fields }) => fields['detail'])).toEqual([
      expect.stringContaining('call it: mtlsErrorHandler()'),
    ]);
  });

  test('statusRouter: requests are answered 500, and the log says what to pass', async () => {
    const app = framework();
    app.use('/status', statusRouter as unknown as RequestHandler);
    app.use(mtlsErrorHandler());
    const server = await startServer({ app });
    const client = server.as(server.root.client('client1'));
    for (let call = 0; call < 2; call++) expect((await answered(client.get('/status'))).status).toBe(500);
    expect(server.recorder.linesOf('request-failed').map(({ fields }) => fields['detail'])).toEqual([
      'the first argument of statusRouter() is not the handle of a server; pass server.mtls, which exists once createServer() has resolved',
    ]);
  });

  test('is found on a server that protect() guards, too', async () => {
    const { files, options, root } = material();
    const app = framework();
    app.get('/', (_req, res) => res.send('reached'));
    app.use(mtlsErrorHandler as unknown as RequestHandler);
    const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)];
    const server = https.createServer({ key, cert, requestCert: true, rejectUnauthorized: false });
    await protect(server, options);
    server.on('request', app);
    const port = await listen(server);
    await new Client({ port, ca: root.pem }, root.client('client1')).get();
    expect(takeWarnings()).toEqual([expect.stringContaining('call it: mtlsErrorHandler()')]);
  });

  test('is not reported for one that was called', async () => {
    const app = framework();
    app.use(requestLog({ logger: { info: () => {} } }), clientIdentity());
    app.get('/', requireClient(), (_req, res) => res.send('reached'));
    app.use(mtlsErrorHandler());
    const server = await startServer({ app });
    expect(await server.as(server.root.client('client1')).get()).toMatchObject({ body: 'reached' });
    expect(server.recorder.linesOf('request-failed')).toEqual([]);
  });
});

test('a server without a logger warns at its first refusal that nothing is logged, and how to log', async () => {
  const server = await startServer({ options: { logger: undefined } });
  const stranger = ca('other').client({ commonName: 'stranger\u001B[2J' });
  expect((await server.as(server.root.client('client1')).get()).status).toBe(200);
  expect(takeWarnings()).toEqual([]);
  for (let call = 0; call < 3; call++) expect((await server.as(stranger).get()).status).toBe('refused');
  await until(() => server.recorder.events('refused').length === 3, 'the refusals are reported');
  expect(takeWarnings()).toEqual([
    'a client was refused (untrusted), and the server has no logger: later refusals are not reported; to see which clients are refused and why, set the option logger to developmentLogger(), or to pino() in production',
  ]);
});

test('a server with a logger warns of no refusal', async () => {
  const server = await startServer();
  expect((await server.as().get()).status).toBe('refused');
  await until(() => server.recorder.linesOf('refused').length === 1, 'the refusal is logged');
  expect(takeWarnings()).toEqual([]);
});

describe('plain http:// to the port for TLS', () => {
  async function callPlainly(port: number, method = 'GET'): Promise<void> {
    const request = http.request({ port, host: '127.0.0.1', method, agent: false }).end();
    await expect(once(request, 'response')).rejects.toThrow(/ECONNRESET|socket hang up/);
  }

  test('is logged by name, with the address', async () => {
    const server = await startServer();
    await callPlainly(server.port);
    await until(() => server.recorder.linesOf('plain-http').length === 1, 'it is logged');
    expect(server.recorder.linesOf('plain-http')).toEqual([
      {
        level: 'warn',
        message: 'refused: plain-http, 127.0.0.1; the client sent HTTP without TLS: call https://',
        fields: { event: 'plain-http', remoteAddress: '127.0.0.1' },
      },
    ]);
    expect(server.recorder.linesOf('refused')).toEqual([]);
  });

  test('is logged on a server for HTTP/2, and where node:tls refuses', async () => {
    const { options, ...written } = material();
    const lines: object[] = [];
    const keep = (fields: object): void => void lines.push(fields);
    const logger = { info: () => {}, warn: keep, error: keep };
    const http2 = http2Server({ options, ...written });
    await protect(http2, { ...options, logger });
    await callPlainly(await listen(http2), 'POST');
    await callPlainly(
      await listen(await createServer({ ...options, logger, refusals: 'native' })),
      'CONNECT',
    );
    await until(() => lines.length === 2, 'both are logged');
    expect(lines).toEqual([1, 2].map(() => ({ event: 'plain-http', remoteAddress: '127.0.0.1' })));
  });

  test('cannot fill the log', async () => {
    const server = await startServer();
    for (let call = 0; call < 12; call++) await callPlainly(server.port);
    server.server.close();
    await until(() => server.recorder.linesOf('refused-more').length === 1, 'the rest is counted');
    expect(server.recorder.linesOf('plain-http')).toHaveLength(10);
    expect(server.recorder.linesOf('refused-more')[0]?.fields).toMatchObject({
      remoteAddress: '127.0.0.1',
      reason: 'plain-http',
      count: 2,
    });
  });

  test('is the refusal that a server without a logger warns of', async () => {
    const server = await startServer({ options: { logger: undefined } });
    for (let call = 0; call < 2; call++) await callPlainly(server.port);
    await pause(100);
    expect(takeWarnings()).toEqual([expect.stringContaining('a client was refused (plain-http)')]);
  });
});

test('a client of another CA of the same name: the log says that it has another key, as the doctor does', async () => {
  const server = await startServer({ root: ca('ca') });
  expect((await server.as(ca('ca').client('client1')).get()).status).toBe('refused');
  await until(() => server.recorder.linesOf('refused').length === 1, 'the refusal is logged');
  expect(server.recorder.linesOf('refused')[0]?.fields).toMatchObject({
    reason: 'untrusted',
    detail:
      'no configured CA leads to "CN=ca", which issued it: the certificate of that name has another key: it is another CA with the same name, or the same CA with an older or a newer key',
    remedy:
      'reissue the certificate with the configured CA; if the CA has a new key, add its certificate whose key signed it to options.ca',
  });
});
