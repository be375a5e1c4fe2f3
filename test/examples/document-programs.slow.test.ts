import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../support/files.js';
import { until } from '../support/server.js';
import { call } from '../support/call.js';
import { writeProgram } from '../support/document-code.js';
import { codeBlocks, documents } from '../support/markdown.js';
import { freePort, isListening } from '../support/ports.js';
import { Program, run } from '../support/program.js';

const folder = temporaryDirectory();
const certs = path.join(folder, 'certs-dev');
let ca: DevCa;

beforeAll(async () => {
  ca = await openDevCa(certs);
  await ca.issueServer();
  for (const name of ['client1', 'client2']) await ca.issueClient(name);
});

async function serve(document: string, name: string): Promise<{ url: string; program: Program }> {
  const port = await freePort();
  const program = new Program(writeProgram([document, name], folder, { 4433: port }), { cwd: folder });
  await program.listens(port);
  return { url: `https://localhost:${port}`, program };
}

function linesOf({ output }: Program): Record<string, unknown>[] {
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('docs/logging.md', () => {
  test('its server logs requests with who called', async () => {
    const { url, program } = await serve('docs/logging.md', 'server.mjs');
    expect(await call(url, { certs, as: 'client1' })).toBe('200 hello client1\n');
    await program.wrote(/"event":"request"/);
    expect(linesOf(program).map(({ event }) => event)).toEqual(['listening', 'request']);
    expect(linesOf(program)[1]).toMatchObject({
      commonName: 'client1',
      method: 'GET',
      url: '/',
      status: 200,
    });
  });

  test('its pino-http names the client on every line, and holds no secret and no certificate', async () => {
    const { url, program } = await serve('docs/logging.md', 'pino-http.mjs');
    const headers = { authorization: 'Bearer a-secret', cookie: 'session=a-secret' };
    expect(await call(url, { certs, as: 'client1', headers })).toBe('200 hello client1\n');
    await program.wrote(/"msg":"request completed"/);
    const lines = linesOf(program).filter(({ req }) => req !== undefined);
    expect(lines.map(({ msg, client }) => [msg, client])).toEqual([
      ['in the handler', 'client1'],
      ['request completed', 'client1'],
    ]);
    expect(lines[1]?.['serial']).toMatch(/^[0-9a-f]+$/);
    expect(program.output).not.toMatch(/a-secret|"raw"|"data":\[/);
  });
});

test('the server of docs/coming-from-client-certificate-auth.md answers as the page says', async () => {
  const { url } = await serve('docs/coming-from-client-certificate-auth.md', 'server.mjs');
  expect(await call(url, { certs })).toMatch(/^401 .*ERR_MTLS_CERTIFICATE_REQUIRED/);
  expect(await call(url, { certs, as: 'client2' })).toBe('200 hello client2\n');
  expect(await call(`${url}/admin`, { certs, as: 'client1' })).toBe('200 welcome\n');
  expect(await call(`${url}/admin`, { certs, as: 'client2' })).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
});

test('the server of docs/coming-from-passport-client-cert.md finds its user, and no other', async () => {
  const { url } = await serve('docs/coming-from-passport-client-cert.md', 'server.ts');
  expect(await call(url, { certs })).toBe('refused');
  expect(await call(url, { certs, as: 'client1' })).toBe('200 hello User One\n');
  expect(await call(url, { certs, as: 'client2' })).toBe('403 no user has this certificate\n');
});

test('the program of docs/rules.md reports which field forbids', async () => {
  const { output, exitCode } = await run(writeProgram(['docs/rules.md', 'check-rules.mjs'], folder), {
    cwd: folder,
  });
  expect(output).toMatch(
    /^is admitted\n[^]*forbids \{ organizationalUnit: "ops" \} \(organizationalUnit\)\n$/,
  );
  expect(exitCode).toBe(0);
});

describe('docs/kubernetes.md', () => {
  async function deploy(): Promise<{ url: string; probePort: string; program: Program }> {
    const [port, probePort] = [await freePort(), await freePort()];
    const file = writeProgram(['docs/kubernetes.md', 'server.ts'], folder, {
      8443: port,
      8080: probePort,
      '/etc/api/tls/tls.key': `${certs}/server-key.pem`,
      '/etc/api/tls/tls.crt': `${certs}/server-crt.pem`,
      '/etc/api/clients/ca.crt': ca.certFile,
      '/etc/api/clients/ca.crl': ca.crlFile,
    });
    const program = new Program(file, { cwd: folder });
    await program.listens(port);
    await program.listens(probePort);
    return { url: `https://localhost:${port}`, probePort, program };
  }

  test('its server answers only probes without a certificate', async () => {
    const { url, probePort } = await deploy();
    expect((await fetch(`http://localhost:${probePort}/ready`)).status).toBe(200);
    expect(await call(url, { certs, as: 'client1' })).toBe('200 hello client1\n');
    expect(await call(url, { certs })).toBe('refused');
  });

  test('after SIGTERM its server answers what is under way, asks the client to go, and ends', async () => {
    const { url, probePort, program } = await deploy();
    const read = (file: string): Buffer => readFileSync(`${certs}/${file}.pem`);
    const socket = connect({
      host: 'localhost',
      port: Number(new URL(url).port),
      ca: read('ca-crt'),
      cert: read('client1-crt'),
      key: read('client1-key'),
    });
    const answer = text(socket);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    // Its first half has been read when a later connection has been served.
    expect(await call(url, { certs, as: 'client1' })).toBe('200 hello client1\n');
    program.signal('SIGTERM');
    await until(async () => !(await isListening(probePort)), 'the server closes');
    socket.write('\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*hello client1\n/);
    expect((await program.ended()).exitCode).toBe(0);
  });
});

test('every program in docs/ is run by a test', () => {
  const named = documents
    .filter((document) => document.startsWith('docs/'))
    .flatMap((document) => codeBlocks(document).flatMap(({ file }) => (file ? [`${document} ${file}`] : [])));
  // Those about proxies are run in test/proxies, that about CORS in test/browser, that about fleets in test/stores, that
  // about Docker in test/package, and those about systemd and pm2 in files of their own.
  expect(named.sort()).toEqual([
    'docs/behind-apache.md server.ts',
    'docs/behind-caddy.md server.ts',
    'docs/behind-haproxy.md server.ts',
    'docs/behind-nginx.md server.ts',
    'docs/coming-from-client-certificate-auth.md server.mjs',
    'docs/coming-from-passport-client-cert.md server.ts',
    'docs/cors.md server.mjs',
    'docs/docker.md server.mjs',
    'docs/fleet.md server.mjs',
    'docs/getting-started.md server.mjs',
    'docs/kubernetes.md server.ts',
    'docs/logging.md pino-http.mjs',
    'docs/logging.md server.mjs',
    'docs/pm2-and-cluster.md cluster.mjs',
    'docs/pm2-and-cluster.md server.mjs',
    'docs/rules.md check-rules.mjs',
    'docs/systemd.md server.mjs',
  ]);
});
