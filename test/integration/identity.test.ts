import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import express4 from 'express4';
import { clientIdentity, identify, mtlsErrorHandler, protect, requireClient } from 'express-mtls';
import type { ClientIdentity, Mtls } from 'express-mtls';
import { attributeTypes, ca, purposes } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import { http2Server, listen, material, startServer } from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

const expresses = [
  { name: 'Express 5', framework: express },
  { name: 'Express 4', framework: express4 },
];

describe.each(expresses)('$name', ({ framework }) => {
  test.each(tlsVersions)('req.clientIdentity says what the certificate says, over %s', async (version) => {
    const root = ca({ commonName: 'ca', organization: 'Example' });
    const notAfter = new Date(Date.now() + 3_600_000);
    const client1 = root.client({
      commonName: 'client1',
      organization: 'Example',
      organizationalUnit: ['Build', 'Test'],
      serial: '0a0b',
      notAfter,
      sans: {
        dns: ['client1.example.org'],
        email: ['client1@example.org'],
        uri: ['spiffe://example.org/client1'],
        ip: ['192.0.2.1', '2001:db8::1'],
        upn: ['client1@corp.example.org'],
        directoryName: [{ commonName: 'client1', organization: 'Directory' }],
      },
      extendedKeyUsage: [purposes.clientAuth, purposes.codeSigning],
    });
    const seen: (ClientIdentity | undefined)[] = [];
    const app = framework();
    app.use(clientIdentity());
    app.get('/', (req, res) => {
      seen.push(req.clientIdentity);
      res.send('seen');
    });
    const server = await startServer({ root, app });
    expect(await server.as(client1, { version }).get()).toMatchObject({ status: 200, body: 'seen' });
    const [identity] = seen;
    expect(identity).toMatchObject({
      source: 'tls',
      commonName: 'client1',
      commonNames: ['client1'],
      spiffeId: 'spiffe://example.org/client1',
      serialNumber: 'a0b',
      fingerprint256: client1.x509.fingerprint256,
      thumbprint: Buffer.from(client1.x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
      notBefore: client1.notBefore,
      notAfter: client1.notAfter,
      extendedKeyUsage: [purposes.clientAuth, purposes.codeSigning],
      resumed: false,
      raw: client1.der,
    });
    expect(String(identity?.subject)).toBe('CN=client1,OU=Test,OU=Build,O=Example');
    expect(identity?.subject.get('OU')).toEqual(['Build', 'Test']);
    expect(String(identity?.issuer)).toBe('CN=ca,O=Example');
    const { directoryName, ...names } = identity?.subjectAltNames ?? { directoryName: [] };
    expect(names).toEqual({
      dns: ['client1.example.org'],
      email: ['client1@example.org'],
      uri: ['spiffe://example.org/client1'],
      ip: ['192.0.2.1', '2001:db8::1'],
      upn: ['client1@corp.example.org'],
    });
    expect(directoryName.map(String)).toEqual(['CN=client1,O=Directory']);
    expect(server.recorder.events('authenticated')).toMatchObject([
      { identity: { commonName: 'client1' }, remoteAddress: '127.0.0.1' },
    ]);
  });

  test('guards, identity and errors work together', async () => {
    const root = ca('ca');
    const app = framework();
    app.use(clientIdentity());
    app.get('/one', requireClient({ commonName: 'client1' }), (_req, res) => {
      res.send('one');
    });
    app.use(mtlsErrorHandler());
    const server = await startServer({ root, app });
    expect(await server.as(root.client('client1')).get('/one')).toMatchObject({ status: 200, body: 'one' });
    const refused = await server.as(root.client('client2')).get('/one');
    expect(refused).toMatchObject({ status: 403, headers: { 'content-type': 'application/problem+json' } });
  });
});

test('the identity is frozen, through and through, and one object for all requests of a connection', async () => {
  const root = ca('ca');
  const seen: (ClientIdentity | undefined)[] = [];
  const server = await startServer({
    root,
    app: (req, res) => {
      seen.push(identify(req));
      res.end();
    },
  });
  const client = server.as(root.client({ sans: { dns: ['a.example'] } }), { keepAlive: true });
  await client.get();
  await client.get();
  const [identity, again] = seen;
  expect(again).toBe(identity);
  for (const part of [
    identity,
    identity?.commonNames,
    identity?.subject,
    identity?.subject.rdns,
    identity?.issuer,
    identity?.subjectAltNames,
    ...Object.values(identity?.subjectAltNames ?? {}),
    identity?.extendedKeyUsage,
  ])
    expect(Object.isFrozen(part)).toBe(true);
  expect(() => Object.assign(identity ?? {}, { commonName: 'admin' })).toThrow(TypeError);
});

test.each([
  { title: 'two common names', name: ['client1', 'admin'], commonNames: ['client1', 'admin'] },
  {
    title: 'a common name with an escape in it',
    name: ['client1\u001b[2J'],
    commonNames: ['client1\u001b[2J'],
  },
  {
    title: 'a common name with a bidirectional override',
    name: ['\u202eclient1'],
    commonNames: ['\u202eclient1'],
  },
  { title: 'a common name of 65 characters', name: ['x'.repeat(65)], commonNames: ['x'.repeat(65)] },
  { title: 'no common name', name: [], commonNames: [] },
])('$title: served, but never by that name', async ({ name, commonNames }) => {
  const root = ca('ca');
  const rdns = name.map((value) => [{ oid: attributeTypes.commonName, type: 'utf8', value }] as const);
  const seen: (ClientIdentity | undefined)[] = [];
  const server = await startServer({
    root,
    app: (req, res) => {
      seen.push(identify(req));
      res.end();
    },
  });
  expect(await server.as(root.client({ name: rdns })).get()).toMatchObject({ status: 200 });
  expect(seen).toMatchObject([{ commonNames }]);
  expect(seen[0]?.commonName).toBeUndefined();
});

describe('identify()', () => {
  test("tells an 'upgrade' listener who is calling, by the request and by the socket", async () => {
    const root = ca('ca');
    const server = await startServer({ root });
    const seen: (string | undefined)[] = [];
    server.server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      seen.push(identify(req)?.commonName, identify(socket)?.commonName);
      accept(socket);
    });
    const socket = await server.as(root.client('client1')).upgrade();
    expect(await socket.echo('hello')).toBe('hello');
    expect(seen).toEqual(['client1', 'client1']);
  });

  test('recognises the anonymous caller of an upgrade if clients are optional', async () => {
    const server = await startServer({ options: { clients: 'optional' } });
    const seen: unknown[] = [];
    server.server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      seen.push(identify(req), identify(socket));
      accept(socket);
    });
    await server.as().upgrade();
    expect(seen).toEqual([undefined, undefined]);
  });

  test('works on HTTP/2, where the socket of a request is a proxy', async () => {
    const written = material();
    const { root, options } = written;
    const seen: unknown[] = [];
    const server = http2Server(written);
    await protect(server, options);
    server.on('request', (req, res) => {
      const message = req as unknown as IncomingMessage;
      seen.push(
        identify(message)?.commonName,
        attempt(() => identify(message.socket)?.commonName),
      );
      seen.push(attempt(() => identify(req.stream.session?.socket as TLSSocket)?.commonName));
      res.end('seen');
    });
    const port = await listen(server);
    const session = await new Client({ port, ca: root.pem }, root.client('client1')).http2();
    expect(await session.get()).toEqual({ status: 200, body: 'seen' });
    expect(seen).toEqual(['client1', 'client1', 'client1']);
  });

  test('returns nothing for a socket that never passed a gate', async () => {
    const { root, options, files } = material();
    const seen: unknown[] = [];
    const server = https.createServer(
      {
        key: readFileSync(files.key),
        cert: readFileSync(files.cert),
        ca: root.pem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (req, res) => {
        seen.push(identify(req), identify(req.socket));
        res.end();
      },
    );
    expect(options.ca).toBe(files.ca);
    const port = await listen(server);
    expect(await new Client({ port, ca: root.pem }, root.client('client1')).get()).toMatchObject({
      status: 200,
    });
    expect(seen).toEqual([undefined, undefined]);
  });
});

describe.each(tlsVersions)("clients: 'optional', over %s", (version) => {
  test('admits an anonymous caller without an identity, and a client with one', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { clients: 'optional' } });
    expect(await server.as(undefined, { version }).get()).toMatchObject({
      status: 200,
      body: '{"hello":"nobody","resumed":false}',
    });
    expect(await server.as(root.client('client1'), { version }).get()).toMatchObject({
      status: 200,
      body: '{"hello":"client1","resumed":false}',
    });
    expect(server.recorder.events('authenticated')).toHaveLength(1);
  });

  test('refuses a bad certificate all the same', async () => {
    const root = ca('ca');
    const [client2, stranger] = [root.client('client2'), ca('ca').client('client1')];
    const server = await startServer({
      root,
      crl: root.crl({ revoked: [client2] }).pem,
      options: { clients: 'optional' },
    });
    for (const certificate of [client2, stranger, root.server()])
      expect(await server.as(certificate, { version }).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused').map(({ reason }) => reason)).toEqual([
      'revoked',
      'untrusted',
      'wrong-purpose',
    ]);
    expect(server.served).toEqual([]);
  });
});

describe.each(expresses)('$name behind a server without the gate', ({ framework }) => {
  const app = (served: string[]): express.Express => {
    const made = framework();
    made.use(clientIdentity());
    made.get('/', (req, res) => {
      served.push(req.clientIdentity?.commonName ?? 'nobody');
      res.send('served');
    });
    made.use((error: Error, req: express.Request, res: express.Response, next: express.NextFunction) => {
      served.push(error.message, req.clientIdentity === undefined ? 'nobody' : 'somebody');
      mtlsErrorHandler()(error, req, res, next);
    });
    return made;
  };

  test('a plain http server gets a clear error and never an identity', async () => {
    const served: string[] = [];
    const port = await listen(http.createServer(app(served)));
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-Client-CN': 'client1' } });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ status: 500, code: 'ERR_MTLS_SERVER_UNPROTECTED' });
    expect(served).toEqual([expect.stringMatching(/a server without TLS.*createServer\(\)/), 'nobody']);
    expect(takeWarnings()).toEqual([served[0]]);
  });

  test('an https server made elsewhere gets a clear error and never an identity', async () => {
    const { root, files } = material();
    const served: string[] = [];
    const options = { key: readFileSync(files.key), cert: readFileSync(files.cert), ca: root.pem };
    const port = await listen(
      https.createServer({ ...options, requestCert: true, rejectUnauthorized: true }, app(served)),
    );
    const answer = await new Client({ port, ca: root.pem }, root.client('client1')).get();
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'ERR_MTLS_SERVER_UNPROTECTED' });
    expect(served).toEqual([expect.stringMatching(/a TLS server without the gate.*protect\(\)/), 'nobody']);
    expect(takeWarnings()).toEqual([served[0]]);
  });

  test('and once protected, the same app knows its callers', async () => {
    const { root, options, files } = material();
    const served: string[] = [];
    const server = https.createServer(
      {
        key: readFileSync(files.key),
        cert: readFileSync(files.cert),
        requestCert: true,
        rejectUnauthorized: false,
      },
      app(served),
    );
    const mtls: Mtls = await protect(server, options);
    const port = await listen(server);
    expect(await new Client({ port, ca: root.pem }, root.client('client1')).get()).toMatchObject({
      status: 200,
    });
    expect(served).toEqual(['client1']);
    await mtls.close();
  });
});

/** Answers an upgrade and echoes. */
function accept(socket: Socket): void {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}
