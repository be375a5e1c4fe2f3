import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import express, { type Express } from 'express';
import {
  clientIdentity,
  createServer,
  developmentLogger,
  mtlsErrorHandler,
  requestLog,
  requireClient,
} from 'express-mtls';
import { ca } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { testOn } from '../support/requirements.js';
import { material, publish, startServer, until } from '../support/server.js';

let lines: string[];
beforeEach(() => {
  lines = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text).replace(/\n$/, ''));
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The lines so far, without the time. */
const written = (): string[] =>
  lines.map((line) => {
    expect(line).toMatch(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d \S/);
    return line.slice('12:03:04 '.length);
  });

async function logged(pattern: RegExp): Promise<string> {
  await until(() => written().some((line) => pattern.test(line)), `${String(pattern)} is logged`);
  return written().find((line) => pattern.test(line)) ?? '';
}

function app(): Express {
  const made = express();
  made.use(requestLog({ logger: developmentLogger() }), clientIdentity());
  made.get('/', (req, res) => res.send(`hello ${req.clientIdentity?.commonName ?? 'nobody'}`));
  made.get('/admin', requireClient({ commonName: 'admin' }), (_req, res) => res.send('reached'));
  made.get(
    '/broken',
    requireClient((_identity, { headers }) => {
      throw new TypeError(`no database ${String(headers['database'] ?? 'orders')}`);
    }),
  );
  made.use(mtlsErrorHandler());
  return made;
}

test('each event is one readable line: when, what, who, why, and from where', async () => {
  const root = ca('ca');
  const server = await startServer({ root, app: app(), options: { logger: developmentLogger() } });
  const client1 = root.client({ commonName: 'client1', organization: 'Example' });
  expect(await logged(/^listening/)).toBe(`listening  https://127.0.0.1:${server.port}, clients of CN=ca`);

  const keepAlive = server.as(client1, { keepAlive: true });
  expect((await keepAlive.get('/?secret=1')).status).toBe(200);
  expect(await logged(/^request/)).toMatch(
    /^request {2}client1 GET \/\?secret=1 200 in [\d.]+ ms {2}127\.0\.0\.1$/,
  );

  expect((await keepAlive.get('/admin')).status).toBe(403);
  expect(await logged(/^forbidden/)).toBe(
    'forbidden  CN=client1,O=Example GET /admin is not allowed by { commonName: "admin" }  127.0.0.1',
  );

  expect((await keepAlive.get('/broken')).status).toBe(403);
  expect(await logged(/^rule-failed/)).toMatch(
    /^rule-failed {2}CN=client1,O=Example GET \/broken {2}TypeError: no database orders \(at .*development-logger.*\) {2}127\.0\.0\.1$/,
  );

  expect((await server.as().get()).status).toBe('refused');
  expect(await logged(/^refused {2}no-cert/)).toBe(
    'refused  no-certificate: the client sent no certificate  127.0.0.1',
  );

  expect((await server.as(ca('other').client('stranger')).get()).status).toBe('refused');
  expect(await logged(/^refused.*stranger/)).toMatch(
    /^refused {2}CN=stranger untrusted: no configured CA leads to "CN=other", which issued it; use a certificate of a CA in options\.ca \("CN=ca"\); .* {2}127\.0\.0\.1$/,
  );

  const plain = http.get({ port: server.port, host: '127.0.0.1', agent: false });
  await expect(once(plain, 'response')).rejects.toThrow();
  expect(await logged(/^plain-http/)).toBe(
    'plain-http  the client sent HTTP without TLS: call https://  127.0.0.1',
  );

  publish(server.files.crl, root.crl({ number: 4, revoked: [client1] }).pem);
  await server.mtls.reload();
  expect(await logged(/^evicted/)).toBe('evicted  CN=client1,O=Example revoked by CRL 4 of CN=ca  127.0.0.1');
  expect(await logged(/^reloaded/)).toMatch(
    /^reloaded {2}1 newly revoked, 0 no longer listed, 1 connection closed/,
  );
  expect((await server.as(client1).get()).status).toBe('refused');
  expect(await logged(/^refused.*revoked/)).toBe(
    'refused  CN=client1,O=Example revoked by CRL 4 of CN=ca  127.0.0.1',
  );

  publish(server.files.crl, 'no CRL');
  await expect(server.mtls.reload()).rejects.toThrow();
  expect(await logged(/^reload-failed/)).toMatch(
    /^reload-failed {2}\S*ca-crl\.pem: .* {2}the last-good copy of \S*ca-crl\.pem stays in force$/,
  );
  expect(lines.filter((line) => line.includes('\n'))).toEqual([]);
});

test('a revoked CA above a client is named in full', async () => {
  const root = ca('ca');
  const middle = root.intermediate('middle');
  const crl = root.crl({ number: 4, revoked: [middle] }).pem + middle.crl().pem;
  const options = { logger: developmentLogger() };
  const server = await startServer({ root, cas: [root, middle], crl, app: app(), options });
  expect((await server.as(middle.client('client1')).get()).status).toBe('refused');
  expect(await logged(/^refused/)).toMatch(
    /^refused {2}CN=client1 revoked: "CN=middle", a CA above it, was revoked at \S+ \(unspecified\) by CRL number 4 of "CN=ca" {2}127\.0\.0\.1$/,
  );
});

test('no name can control the terminal, start a new line, or pass for another part of the line', async () => {
  const options = { logger: developmentLogger() };
  const server = await startServer({ app: app(), options });
  const commonName = 'x\u001B[2J\n12:03:04 reloaded  fine  10.0.0.1\u202e';
  expect((await server.as(ca('other').client({ commonName })).get()).status).toBe('refused');
  const line = await logged(/^refused/);
  expect(line).toMatch(/^refused {2}[ -~]*$/);
  expect(line.split('  ')).toEqual([
    'refused',
    expect.stringMatching(/12:03:04 reloaded fine 10\.0\.0\.1.* untrusted: /),
    '127.0.0.1',
  ]);
});

test('no error can control the terminal with bytes that a caller sent', async () => {
  const server = await startServer({ app: app(), options: { logger: developmentLogger() } });
  const headers = { database: '\u009b2J' };
  await server.as(server.root.client('client1')).get('/broken', { headers });
  expect(await logged(/^rule-failed/)).toContain('TypeError: no database \\u{9b}2J (at ');
});

test('a CA without a CRL is announced in words, at the start and at a reload', async () => {
  const root = ca('ca');
  const server = await startServer({
    root,
    cas: [root, ca('partner')],
    options: { logger: developmentLogger(), watch: false },
  });
  expect(await logged(/^CRL missing/)).toBe(
    'CRL missing  no CRL of CN=partner is loaded: its clients are refused',
  );
  lines = [];
  publish(server.files.ca, root.pem + ca('added').pem + ca('other').pem);
  await server.mtls.reload();
  expect(await logged(/^CRL missing/)).toBe(
    'CRL missing  no CRL of CN=added and CN=other is loaded: their clients are refused',
  );
});

test('the line says that a server without an address listens on all interfaces', async () => {
  const { options } = material();
  await using server = await createServer({ ...options, logger: developmentLogger() });
  await once(server.listen(0), 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await logged(/^listening/)).toBe(
    `listening  https://localhost:${port}, on all interfaces, clients of CN=ca`,
  );
});

testOn(process.platform !== 'win32', 'Windows has no Unix sockets')(
  'the line names a Unix socket',
  async () => {
    const { options } = material();
    await using server = await createServer({ ...options, logger: developmentLogger() });
    const path = join(temporaryDirectory(), 'http.sock');
    await once(server.listen(path), 'listening');
    expect(await logged(/^listening/)).toBe(`listening  Unix socket ${path}, clients of CN=ca`);
  },
);
