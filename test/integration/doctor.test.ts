/**
 * `express-mtls doctor` against servers: ours, plain ones, broken ones.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { Readable } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { clientIdentity, mtlsErrorHandler, requireClient } from 'express-mtls';
import type { Attempt } from '../../src/cli/doctor/attempt-account.js';
import { attempt, type Target } from '../../src/cli/doctor/attempt.js';
import type { Verdict } from '../../src/cli/doctor/verdict.js';
import { ca, type Certificate, type CertificateAuthority, purposes } from '../support/chain.js';
import { tlsVersions } from '../support/client.js';
import { type CommandResult, runCommand } from '../support/command.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { listen, startServer } from '../support/server.js';
import { testWithOpenssl } from '../support/openssl.js';
import { ownTime } from '../support/elapsed.js';

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);
const root = ca('ca');
const client1 = root.client('client1');

interface Given {
  readonly port: number;
  readonly certificate?: Certificate;
  /** What the doctor is told are the CAs, and the CRLs. @defaultValue those of `root` */
  readonly ca?: string;
  readonly crl?: string;
  readonly path?: string;
  readonly host?: string;
  readonly args?: readonly string[];
}

async function run({ port, certificate = client1, ...given }: Given): Promise<CommandResult> {
  const directory = temporaryDirectory();
  const files = writeMaterial(directory, {
    crt: certificate.chainPem,
    key: certificate.keyPem,
    ca: given.ca ?? root.pem,
    crl: given.crl ?? root.crl().pem,
  });
  return await runCommand([
    ...['doctor', '--cert', files.crt, '--key', files.key, '--ca', files.ca, '--crl', files.crl],
    ...(given.args ?? []),
    `https://${given.host ?? 'localhost'}:${port}${given.path ?? '/'}`,
  ]);
}

interface Data {
  readonly code: number;
  readonly verdict: Verdict;
  readonly attempt: Attempt;
}

async function ask(given: Given): Promise<Data> {
  const { code, out, err } = await run({ ...given, args: ['--json', ...(given.args ?? [])] });
  expect(err).toBe('');
  return { code, ...(JSON.parse(out) as Omit<Data, 'code'>) };
}

/** What the command makes of its files for client1. */
function targetOf(port: number): Target {
  const url = new URL(`https://localhost:${port}/`);
  return { url, method: 'GET', cert: client1.pem, key: client1.keyPem, serverCas: [root.pem] };
}

/** A server of node:https alone. */
async function startPlain(
  {
    server = root.server(),
    trusts = root,
    ...options
  }: ServerOptions & { server?: Certificate; trusts?: CertificateAuthority },
  listener: RequestListener = (_req, res) => void res.end('hello'),
): Promise<number> {
  const own = { key: server.keyPem, cert: server.chainPem, ca: trusts.pem };
  return await listen(
    createHttpsServer({ ...own, requestCert: true, rejectUnauthorized: true, ...options }, listener),
  );
}

describe('a server of express-mtls', () => {
  test('serves a good client: exit code 0, and each stage is reported', async () => {
    const { port } = await startServer({ root });
    const { code, out, err } = await run({ port });
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out.slice(out.indexOf('Trying'))).toMatch(
      new RegExp(
        [
          `^Trying https://localhost:${port}/`,
          `ok       tcp          connected to \\S+ port ${port}`,
          'ok       handshake    TLSv1\\.3, TLS_\\w+',
          'ok       server       its certificate is trusted and valid for localhost',
          'ok       answer       served: 200',
          '',
          `client1 is admitted: https://localhost:${port}/ answered 200\n$`,
        ].join('\n'),
      ),
    );
  });

  test.each<[string, string, Parameters<CertificateAuthority['client']>[0]]>([
    ['revoked', 'ERR_MTLS_CERTIFICATE_REVOKED', { serial: '1002' }],
    ['expired', 'ERR_MTLS_CERTIFICATE_EXPIRED', { notAfter: inMs(-hour) }],
    ['wrong-purpose', 'ERR_MTLS_CERTIFICATE_INVALID', { extendedKeyUsage: [purposes.serverAuth] }],
  ])('refuses as predicted by the doctor: %s', async (reason, code, options) => {
    const certificate = root.client(options);
    const crl = root.crl({ number: 4, revoked: [{ serial: '1002' }] }).pem;
    const { port, recorder } = await startServer({ root, crl });
    const found = await ask({ port, certificate, crl });
    expect(found.code).toBe(1);
    expect(found.verdict).toMatchObject({ letIn: false, reason, code });
    expect(found.attempt.outcome).toBe('refused-after-handshake');
    expect(recorder.events('refused').map((event) => [event.reason, event.code])).toEqual([[reason, code]]);
  });

  test('refuses by a newer CRL than the doctor has: the report names possible differences', async () => {
    const { port } = await startServer({ root, crl: root.crl({ number: 5, revoked: [client1] }).pem });
    const { code, out } = await run({ port });
    expect(code).toBe(1);
    expect(out).toMatch(
      /^FAILS {4}answer {7}the TLSv1\.3 handshake succeeded, then the server closed the connection without an alert or an answer \(ECONNRESET\)/m,
    );
    expect(out).toContain('\nPossible differences, and how to check them:\n');
    expect(out).toMatch(/- a different CA: .*\n {2}- a different CRL in force.*\n {2}- a different clock: /);
    expect(out).toMatch(/mtls\.explain\(certificate\)/);
    expect(out).toMatch(/\n\nclient1 is refused by https:\S+, although all checks here pass: .*\n$/);
  });

  test('refuses a client of another CA', async () => {
    const { port } = await startServer({ root });
    const { verdict, attempt: tried } = await ask({ port, certificate: ca('other').client('client1') });
    expect(verdict.reason).toBe('untrusted');
    expect(tried.outcome).toMatch(/^refused-/);
  });

  test('serves a client that the files would refuse: the report names possible differences', async () => {
    const { port } = await startServer({ root });
    const { code, verdict } = await ask({ port, crl: root.crl({ revoked: [client1] }).pem });
    expect(code).toBe(1);
    expect(verdict).toMatchObject({ letIn: false, reason: 'revoked' });
    expect(verdict.text).toMatch(
      /^client1 is refused: revoked on .*; but the server admitted it: https:\S+ answered 200$/,
    );
    expect(verdict.advice.join('\n')).toContain('an older CRL');
  });

  test.each([
    {
      what: 'revoked',
      crl: root.crl({ revoked: [client1] }).pem,
      status: 401,
      code: 'ERR_MTLS_CERTIFICATE_REVOKED',
    },
    { what: 'revocation-unknown', crl: null, status: 503, code: 'ERR_MTLS_REVOCATION_UNKNOWN' },
  ])("says why, under onRefused: 'respond': $what", async ({ what, crl, status, code }) => {
    const { port } =
      crl === null
        ? await startStale({ onRefused: 'respond' })
        : await startServer({ root, crl, options: { onRefused: 'respond' } });
    const found = await ask({ port });
    expect(found.code).toBe(1);
    expect(found.attempt).toMatchObject({ outcome: 'refused-by-answer', status, code, reason: what });
    expect(found.verdict).toMatchObject({ letIn: false, reason: what, code });
    expect(found.attempt.steps.at(-1)?.detail).toBe(`the server answers ${status} ${code} (${what})`);
    // The server said what it was: what else may differ is beside the point.
    expect(found.verdict.advice).toEqual([
      expect.stringMatching(/^a different CRL in force/),
      expect.stringMatching(/^on the server, the log line /),
    ]);
  });

  test('refuses by the rule of a route, with 403, and by --rule here', async () => {
    const app = express();
    app.use(clientIdentity());
    app.get('/admin', requireClient({ commonName: 'admin' }), (_req, res) => void res.end('hello'));
    app.use(mtlsErrorHandler());
    const { port } = await startServer({ root, app });
    const found = await ask({ port, path: '/admin?x=1' });
    expect(found.code).toBe(1);
    expect(found.attempt).toMatchObject({
      url: `https://localhost:${port}/admin?x=1`,
      outcome: 'refused-by-answer',
      status: 403,
      code: 'ERR_MTLS_CLIENT_FORBIDDEN',
    });
    expect(found.attempt.steps.at(-1)?.remedy).toMatch(/--rule/);
    const byRule = await ask({ port, path: '/admin', args: ['--rule', '{"commonName":"admin"}'] });
    expect(byRule.verdict).toMatchObject({ reason: 'forbidden', code: 'ERR_MTLS_CLIENT_FORBIDDEN' });
  });

  test('a 404 is an answer to an admitted client', async () => {
    const { port } = await startServer({ root });
    const { code, attempt: tried } = await ask({ port, path: '/nothing', args: ['--method', 'HEAD'] });
    expect([code, tried.outcome, tried.status]).toEqual([0, 'served', 404]);
  });
});

/** A server whose CRL has expired while in force. */
async function startStale(options: { onRefused: 'respond' }): Promise<{ port: number }> {
  const crl = root.crl({ nextUpdate: inMs(hour) }).pem;
  const { port, clock } = await startServer({ root, crl, options });
  clock.advance(2 * hour);
  return { port };
}

describe('another kind of server', () => {
  // The client's end of a TLS 1.3 handshake is done before the server has seen the certificate.
  test.each([
    { version: 'TLSv1.2', outcome: 'refused-in-handshake' },
    { version: 'TLSv1.3', outcome: 'refused-after-handshake' },
  ] as const)('that refuses in its own way, over $version', async ({ version, outcome }) => {
    const port = await startPlain({ minVersion: version, maxVersion: version });
    const { code, attempt: tried } = await ask({ port, certificate: ca('other').client('x') });
    expect(code).toBe(1);
    expect(tried.outcome).toBe(outcome);
  });

  test.each(tlsVersions)('that serves, over %s', async (version) => {
    const port = await startPlain({ minVersion: version, maxVersion: version });
    const { code, attempt: tried } = await ask({ port });
    expect([code, tried.outcome, tried.protocol]).toEqual([0, 'served', version]);
  });

  test('that answers 403 without a code of express-mtls', async () => {
    const port = await startPlain({}, (_req, res) => void res.writeHead(403).end('<html>'));
    const { code, attempt: tried } = await ask({ port });
    expect([code, tried.outcome, tried.code]).toEqual([1, 'refused-by-answer', undefined]);
  });

  test('that answers 400 like nginx', async () => {
    const port = await startPlain({}, (_req, res) => {
      res.writeHead(400).end('<h1>400 Bad Request</h1>The SSL certificate error<hr>nginx/1.27.0');
    });
    const { attempt: tried } = await ask({ port });
    expect(tried.steps.at(-1)?.detail).toMatch(/^nginx answers 400 because of the certificate/);
  });

  test('whose code is unknown and endless', async () => {
    const port = await startPlain({}, (_req, res) => {
      res.writeHead(401, { 'content-type': 'application/problem+json' });
      res.write(JSON.stringify({ code: 'ERR_MTLS_\u001B[2J', reason: 'x\nok' }));
      const timer = setInterval(() => res.write(' '.repeat(16_384)), 1);
      res.once('close', () => {
        clearInterval(timer);
      });
    });
    const started = ownTime();
    const { attempt: tried } = await ask({ port });
    expect(tried).toMatchObject({ outcome: 'refused-by-answer', status: 401 });
    // It has read enough long before its five seconds are over.
    expect(ownTime() - started).toBeLessThan(4000);
    expect([tried.code, tried.reason]).toEqual([undefined, undefined]);
  });
});

describe('a server of openssl, which sends alerts', () => {
  testWithOpenssl.each([
    {
      version: '-tls1_2',
      outcome: 'refused-in-handshake',
      detail: /^the server refused the handshake with alert 48: /,
    },
    {
      version: '-tls1_3',
      outcome: 'refused-after-handshake',
      detail: /^the TLSv1\.3 handshake succeeded, then the server refused with alert 48: unknown CA: /,
    },
  ])('$version: the alert is told in words', async ({ version, outcome, detail }) => {
    const server = root.server();
    const files = writeMaterial(temporaryDirectory(), {
      key: server.keyPem,
      cert: server.pem,
      ca: ca('other').pem,
    });
    const own = ['-key', files.key, '-cert', files.cert, '-CAfile', files.ca];
    const program = spawn(
      'openssl',
      ['s_server', '-accept', '127.0.0.1:0', version, ...own, '-Verify', '1', '-verify_return_error', '-www'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    try {
      const { code, attempt: tried } = await ask({ port: await portOf(program.stdout) });
      expect([code, tried.outcome, tried.alert?.number]).toEqual([1, outcome, 48]);
      expect(tried.steps.at(-1)?.detail).toMatch(detail);
    } finally {
      program.kill();
    }
  });
});

/** The port of `openssl s_server`, which says it when it listens. Its output is read to the end, lest it stops for that. */
async function portOf(output: Readable): Promise<number> {
  return await new Promise((resolve, reject) => {
    let text = '';
    output.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const port = /^ACCEPT \S+:(\d+)$/m.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    output.once('end', () => {
      reject(new Error(`openssl s_server did not listen: ${text}`));
    });
  });
}

describe('a server without a valid answer', () => {
  test.each([
    {
      what: 'is no HTTP',
      answer: 'SSH-2.0-x\r\n',
      outcome: 'no-answer',
      detail: /^the answer is not HTTP\/1\.1 \(HPE_/,
    },
    {
      what: 'changes the protocol',
      answer: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      outcome: 'no-answer',
      detail: /^the connection ended without a readable answer$/,
    },
    {
      what: 'closes',
      answer: null,
      outcome: 'refused-after-handshake',
      detail: /^the TLSv1\.3 handshake succeeded, then the server closed the connection/,
    },
  ])('it $what', async ({ answer, outcome, detail }) => {
    const { keyPem, pem } = root.server();
    const server = createTlsServer({ key: keyPem, cert: pem }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (answer === null ? socket.end() : socket.write(answer)));
    });
    const { code, attempt: tried } = await ask({ port: await listen(server) });
    expect([code, tried.outcome]).toEqual([1, outcome]);
    expect(tried.steps.at(-1)?.detail).toMatch(detail);
  });

  test('a key that OpenSSL rejects is not a fault of the server', async () => {
    const { port } = await startServer({ root });
    const tried = await attempt({ ...targetOf(port), key: root.client().keyPem });
    expect(tried.outcome).toBe('unusable');
    expect(tried.steps.at(-1)?.detail).toMatch(/^the local OpenSSL rejects key and certificate: .*mismatch/);
  });
});

describe('a server that the client does not trust', () => {
  test('is distinguished from one that refuses', async () => {
    const { port } = await startServer({ root, serverCertificate: ca('public').server() });
    const { code, attempt: tried, verdict } = await ask({ port });
    expect([code, tried.outcome]).toEqual([1, 'server-not-trusted']);
    expect(tried.steps.at(-1)).toMatchObject({
      step: 'server',
      detail: expect.stringMatching(
        /^the client rejects the server, not the server the client: the certificate of the server is not trusted \([A-Z_]+\)$/,
      ),
      remedy: expect.stringContaining('--server-ca'),
    });
    expect(verdict.text).toMatch(/^client1 could not be tested completely: the client rejects the server/);
  });

  test('is trusted by its own CA', async () => {
    const other = ca('public');
    const { port } = await startServer({ root, serverCertificate: other.server() });
    const { 'public.pem': file } = writeMaterial(temporaryDirectory(), { 'public.pem': other.pem });
    const { code } = await ask({ port, args: ['--server-ca', file] });
    expect(code).toBe(0);
  });

  test('by its name', async () => {
    const serverCertificate = root.server({ commonName: 'a.example', sans: { dns: ['a.example'] } });
    const { port } = await startServer({ root, serverCertificate });
    const { code, attempt: tried } = await ask({ port });
    expect([code, tried.outcome]).toEqual([1, 'server-not-trusted']);
    expect(tried.steps.at(-1)?.detail).toMatch(/the certificate of the server is not for localhost \(/);
    expect(tried.steps.at(-1)?.remedy).toContain('--servername');
    const named = await ask({ port, args: ['--servername', 'a.example'] });
    expect(named.code).toBe(0);
  });

  test('an address is compared as such', async () => {
    const { port } = await startServer({ root });
    expect((await ask({ port, host: '127.0.0.1' })).code).toBe(0);
    const serverCertificate = root.server({ sans: { dns: ['localhost'] } });
    const nameless = await startServer({ root, serverCertificate });
    expect((await ask({ port: nameless.port, host: '127.0.0.1' })).attempt.outcome).toBe(
      'server-not-trusted',
    );
  });

  test('an address is not sent as a server name', async () => {
    const asked: string[] = [];
    const port = await startPlain({
      SNICallback: (name, done) => {
        asked.push(name);
        done(null);
      },
    });
    await ask({ port, host: '127.0.0.1' });
    expect(asked).toEqual([]);
    await ask({ port });
    expect(asked).toEqual(['localhost']);
  });

  test('is sent no request', async () => {
    const { port, served } = await startServer({ root, serverCertificate: ca('public').server() });
    await ask({ port });
    expect(served).toEqual([]);
  });
});

describe('a missing server', () => {
  test('nothing listens', async () => {
    const gone = createTcpServer();
    await once(gone.listen(0, '127.0.0.1'), 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    const { code, attempt: tried } = await ask({ port, host: '127.0.0.1' });
    expect([code, tried.outcome]).toEqual([1, 'unreachable']);
    expect(tried.steps).toEqual([
      {
        step: 'tcp',
        outcome: 'fails',
        detail: `no connection to 127.0.0.1:${port}: ECONNREFUSED`,
        remedy: 'no server listens there: start the server, or check host and port',
      },
    ]);
  });

  test.each([
    { what: 'speaks no TLS', greets: 'HTTP/1.1 400 Bad Request\r\n\r\n', outcome: 'no-tls' },
    { what: 'hangs up', greets: null, outcome: 'refused-in-handshake' },
    { what: 'sends alert 48', greets: Buffer.from([21, 3, 3, 0, 2, 2, 48]), outcome: 'refused-in-handshake' },
  ])('it $what', async ({ greets, outcome }) => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => (greets === null ? socket.destroy() : socket.end(greets)));
      }),
    );
    const { code, attempt: tried } = await ask({ port, host: '127.0.0.1' });
    expect([code, tried.outcome]).toEqual([1, outcome]);
    if (Buffer.isBuffer(greets)) {
      expect(tried.alert?.number).toBe(48);
      expect(tried.steps.at(-1)?.detail).toMatch(
        /^the server refused the handshake with alert 48: unknown CA: /,
      );
    }
  });

  test.each([
    { stage: 'the handshake', listener: () => createTcpServer(() => undefined), outcome: 'no-tls' },
    {
      stage: 'the answer',
      listener: () => {
        const own = root.server();
        return createHttpsServer({ key: own.keyPem, cert: own.pem }, () => undefined);
      },
      outcome: 'no-answer',
    },
  ])('$stage does not come: it waits no longer than its limit', async ({ listener, outcome }) => {
    const port = await listen(listener());
    const tried = await attempt({ ...targetOf(port), limitMs: 600 });
    expect(tried.outcome).toBe(outcome);
    expect(tried.steps.at(-1)?.detail).toMatch(/ within 0\.6 s$/);
  });
});

test('names from a server cannot control the terminal', async () => {
  const hostile = 'a\u001B[2J\nok       answer       served: 200\u202E';
  const serverCertificate = root.server({ commonName: hostile, sans: null });
  const { port } = await startServer({ root, serverCertificate });
  const { out } = await run({ port, args: ['--servername', 'b.example'] });
  expect(out).not.toMatch(/[\u001B\u202E]|^ok {7}answer/m);
});
