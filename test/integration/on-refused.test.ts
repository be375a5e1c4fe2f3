import https from 'node:https';
import { connect, createServer as createTlsServer } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { createServerOptions, protect } from 'express-mtls';
import { ca, type CertificateOptions } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
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

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

describe.each(tlsVersions)("over %s, with onRefused: 'respond'", (version) => {
  test.each<[string, number, string, CertificateOptions | undefined]>([
    ['no-certificate', 401, 'ERR_MTLS_CERTIFICATE_REQUIRED', undefined],
    ['revoked', 401, 'ERR_MTLS_CERTIFICATE_REVOKED', { serial: '1002' }],
    ['expired', 401, 'ERR_MTLS_CERTIFICATE_EXPIRED', { notAfter: inMs(-hour) }],
    ['wrong-purpose', 401, 'ERR_MTLS_CERTIFICATE_INVALID', { extendedKeyUsage: null }],
  ])('%s: the first request is answered, and the connection ends', async (reason, status, code, options) => {
    const root = ca('ca');
    const server = await startServer({
      root,
      crl: root.crl({ revoked: [{ serial: '1002' }] }).pem,
      options: { onRefused: 'respond' },
    });
    const certificate = options && root.client({ commonName: 'client2', ...options });
    const client = server.as(certificate, { version, keepAlive: true });
    const answer = await client.get();
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status,
      code,
      reason,
    });
    await until(() => client.connection.isClosed, 'the connection is closed');
    expect(server.served).toEqual([]);
    expect(server.recorder.events('refused')).toMatchObject([{ reason }]);
    expect(server.recorder.events('evicted')).toEqual([]);
    expect(server.recorder.events('authenticated')).toEqual([]);
    expect([...server.mtls.connections]).toEqual([]);
  });

  test('a refused client is served once the CRL admits it, with the session that it was given', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    const server = await startServer({
      root,
      crl: root.crl({ revoked: [client2] }).pem,
      options: { onRefused: 'respond', watch: false },
    });
    const refused = await server.as(client2, { version }).get();
    expect(refused).toMatchObject({ status: 401 });
    expect(refused.session).toBeDefined();
    publish(server.files.crl, root.crl({ number: 2 }).pem);
    await server.mtls.reload();
    expect(await server.as(client2, { version }).get('/', { session: refused.session })).toMatchObject({
      status: 200,
    });
  });

  test('a good client is served', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { onRefused: 'respond' } });
    expect(await server.as(root.client('client1'), { version }).get()).toMatchObject({ status: 200 });
  });

  test('an upgrade is answered as any request is, and reaches no listener', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { onRefused: 'respond' } });
    let seen = 0;
    server.server.on('upgrade', () => seen++);
    const headers = { Connection: 'Upgrade', Upgrade: 'echo' };
    const client = server.as(ca('other').client(), { version });
    expect(await client.get('/', { headers })).toMatchObject({ status: 401 });
    expect(seen).toBe(0);
  });

  test('a request over HTTP/2 is answered, and the session ends', async () => {
    const written = material();
    const { root, options } = written;
    const server = http2Server(written);
    const recorder = new Recorder();
    recorder.listenTo(await protect(server, { ...options, logger: silent, onRefused: 'respond' }));
    let seen = 0;
    server.on('stream', () => seen++);
    const target = { port: await listen(server), ca: root.pem };
    const stranger = await new Client(target, ca('other').client(), { version }).http2();
    const answer = await stranger.get();
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'untrusted' });
    await until(() => stranger.isClosed, 'the session is closed');
    expect(seen).toBe(0);
  });

  test('a request that waits for leave to send its body is answered, and gets none', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { onRefused: 'respond' } });
    let seen = 0;
    server.server.on('checkContinue', () => seen++);
    const client = server.as(ca('other').client(), { version });
    const headers = { Expect: '100-continue', 'Content-Length': '0' };
    expect(await client.get('/', { method: 'POST', headers })).toMatchObject({ status: 401 });
    expect(seen).toBe(0);
  });

  test('listeners of the app see no refused socket, whatever it speaks', async () => {
    const written = material();
    const server = http2Server(written);
    const seen: string[] = [];
    for (const name of [
      'secureConnection',
      'unknownProtocol',
      'session',
      'request',
      'stream',
      'sessionError',
    ])
      server.prependListener(name, () => seen.push(name));
    const mtls = await protect(server, { ...written.options, logger: silent, onRefused: 'respond' });
    for (const name of ['secureConnection', 'unknownProtocol']) server.on(name, () => seen.push(name));
    const refused: string[] = [];
    mtls.on('refused', ({ reason }) => refused.push(reason));
    const port = await listen(server);
    const { keyPem: key, pem: cert } = ca('other').client();
    for (const ALPNProtocols of [['h2'], ['other'], undefined]) {
      const socket = connect({
        port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        key,
        cert,
        ALPNProtocols,
        minVersion: version,
        maxVersion: version,
      });
      socket.on('error', () => undefined);
      socket.resume().on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
      await new Promise((resolve) => socket.once('close', resolve));
    }
    // 'other' is turned away by OpenSSL, before there is anything to refuse.
    expect(refused).toEqual(['untrusted', 'untrusted']);
    expect(seen).toEqual([]);
  });
});

test("with onRefused: 'respond' one that asks for nothing is not kept", async () => {
  const root = ca('ca');
  const server = await startServer({ root, options: { onRefused: 'respond' } });
  const started = performance.now();
  const sockets = await Promise.all(
    tlsVersions.map((version) => server.as(ca('other').client(), { version }).open()),
  );
  await until(() => sockets.every(({ isClosed }) => isClosed), 'the connections are closed');
  expect(performance.now() - started).toBeGreaterThan(4000);
});

describe("onRefused: 'respond' is refused", () => {
  const message = expect.stringContaining("onRefused: 'respond' needs");
  const invalid = expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID', message });

  test('without the gate', async () => {
    const { options } = material();
    await expect(createServerOptions({ ...options, onRefused: 'respond' })).rejects.toEqual(invalid);
  });

  test('for a server that ends bad connections itself, and for one that has no requests', async () => {
    const { options } = material();
    const requestCert = true;
    for (const server of [
      https.createServer({ requestCert, rejectUnauthorized: true }),
      createTlsServer({ requestCert, rejectUnauthorized: false }),
    ])
      await expect(protect(server, { ...options, onRefused: 'respond' })).rejects.toEqual(invalid);
  });
});

test('of many refusals from one address ten are logged and the others counted; each is an event', async () => {
  const root = ca('ca');
  const server = await startServer({ root });
  for (let index = 0; index < 12; index++)
    expect(await server.as(undefined).get()).toMatchObject({ status: 'refused' });
  expect(await server.as(ca('other').client()).get()).toMatchObject({ status: 'refused' });
  expect(server.recorder.events('refused')).toHaveLength(13);
  expect(server.recorder.linesOf('refused').map(({ fields }) => fields['reason'])).toEqual([
    ...Array<string>(10).fill('no-certificate'),
    'untrusted',
  ]);
  expect(server.recorder.linesOf('refused-more')).toEqual([]);
  await server.mtls.close();
  expect(server.recorder.linesOf('refused-more')).toEqual([
    {
      level: 'warn',
      fields: { event: 'refused-more', remoteAddress: '127.0.0.1', reason: 'no-certificate', count: 2 },
      message: 'refused: no-certificate, 2 more from 127.0.0.1 within a minute',
    },
  ]);
});

test('a certificate with a number of 10,000 octets does not get it into the log', async () => {
  const root = ca('ca');
  const server = await startServer({ root });
  const caller = ca('other').client({ serial: '7f'.repeat(10_000) });
  expect(await server.as(caller).get()).toMatchObject({ status: 'refused' });
  const [line] = server.recorder.linesOf('refused');
  expect(line?.fields).toMatchObject({ serialNumber: '7f'.repeat(32) });
  expect(JSON.stringify(line).length).toBeLessThan(1500);
});
