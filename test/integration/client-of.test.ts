import http from 'node:http';
import type { RequestListener } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import express4 from 'express4';
import { clientOf, mtlsErrorHandler, protect, requireClient } from 'express-mtls';
import type { ClientIdentity, MtlsError } from 'express-mtls';
import { Client } from '../support/client.js';
import { http2Server, listen, material, pause, publish, startServer, until } from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const expresses = [
  { name: 'Express 5', framework: express },
  { name: 'Express 4', framework: express4 },
];

describe.each(expresses)('clientOf(req), $name', ({ framework }) => {
  function app(): RequestListener {
    const made = framework();
    made.get('/guarded', requireClient(), (req, res) => {
      // Compiles without `?.`, and is what the middleware has put there.
      const identity: ClientIdentity = clientOf(req);
      res.json({ name: identity.commonName, same: identity === req.clientIdentity });
    });
    made.get('/', (req, res) => res.json({ name: clientOf(req).commonName }));
    made.use(mtlsErrorHandler());
    return made;
  }

  test('is the identity, behind requireClient() and without it', async () => {
    const server = await startServer({ app: app(), options: { clients: 'optional' } });
    const client = server.as(server.root.client('client1'));
    expect(JSON.parse((await client.get('/guarded')).body)).toEqual({ name: 'client1', same: true });
    expect(JSON.parse((await client.get()).body)).toEqual({ name: 'client1' });
  });

  test('asks a caller without a certificate for one: 401', async () => {
    const server = await startServer({ app: app(), options: { clients: 'optional' } });
    const { status, body } = await server.as().get();
    expect([status, JSON.parse(body)]).toEqual([
      401,
      { type: 'about:blank', title: 'Unauthorized', status: 401, code: 'ERR_MTLS_CERTIFICATE_REQUIRED' },
    ]);
  });

  test('is no answer on a server without the gate: 500, and a warning', async () => {
    const port = await listen(http.createServer(app()));
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.status, await response.json()]).toEqual([
      500,
      expect.objectContaining({ code: 'ERR_MTLS_SERVER_UNPROTECTED' }),
    ]);
    expect(takeWarnings()).toEqual([expect.stringContaining('came through a server without TLS')]);
  });
});

test('clientOf(req) ignores an identity that other code has put on the request', async () => {
  const made = express();
  made.get('/', (req, res) => {
    Object.assign(req, { clientIdentity: { commonName: 'admin' } });
    res.json({ name: clientOf(req).commonName });
  });
  made.use(mtlsErrorHandler());
  const server = await startServer({ app: made, options: { clients: 'optional' } });
  expect((await server.as().get()).status).toBe(401);
  expect(JSON.parse((await server.as(server.root.client('client1')).get()).body)).toEqual({
    name: 'client1',
  });
});

test('clientOf(req) refuses a client that was revoked while its request was handled', async () => {
  const codes: string[] = [];
  let goOn = (): void => {};
  const revoked = new Promise<void>((resolve) => (goOn = resolve));
  const made = express();
  made.get('/', requireClient(), async (req) => {
    await revoked;
    try {
      clientOf(req);
    } catch (error) {
      codes.push((error as MtlsError).code);
    }
  });
  const server = await startServer({ app: made });
  const client1 = server.root.client('client1');
  const answer = server.as(client1).get();
  await until(() => [...server.mtls.connections].length === 1, 'the client is connected');
  publish(server.files.crl, server.root.crl({ number: 4, revoked: [client1] }).pem);
  await server.mtls.reload();
  goOn();
  expect((await answer).status).toBe('refused');
  await until(() => codes.length === 1, 'the handler has asked');
  expect(codes).toEqual(['ERR_MTLS_CERTIFICATE_REVOKED']);
});

test('clientOf(req) of an HTTP/2 request: the identity, and no warning where its session has ended', async () => {
  const { options, root, files, directory } = material();
  const server = http2Server({ options, root, files, directory });
  await protect(server, options);
  const seen: string[] = [];
  server.on('request', (req: Http2ServerRequest) => {
    seen.push(clientOf(req).commonName ?? '');
    req.stream.on('error', () => {});
    req.stream.once('close', () => {
      // A turn later the session has gone, too.
      void pause(50).then(() => {
        try {
          clientOf(req);
        } catch (error) {
          seen.push((error as MtlsError).code);
        }
      });
    });
  });
  const port = await listen(server);
  const session = await new Client({ port, ca: root.pem }, root.client('client1')).http2();
  session.get().catch(() => {});
  await until(() => seen.length === 1, 'the request is there');
  session.destroy();
  await until(() => seen.length === 2, 'the session has ended');
  expect(seen).toEqual(['client1', 'ERR_MTLS_CERTIFICATE_REQUIRED']);
  expect(takeWarnings()).toEqual([]);
});
