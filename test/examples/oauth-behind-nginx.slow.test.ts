/**
 * Bound tokens through a real nginx, by the configuration in docs/behind-nginx.md: in front of the authorization
 * server and of the API.
 *
 * @module
 */
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, jest } from '@jest/globals';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../support/files.js';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';
import { configurations, isInstalled, replaceAll, startProxy } from '../support/real-proxy.js';
import { testWith } from '../support/requirements.js';
import { until } from '../support/server.js';

jest.setTimeout(180_000);

const test = testWith(isInstalled('nginx'), 'nginx is not installed');

interface Place {
  readonly folder: string;
  readonly ca: DevCa;
  /** The ports of nginx. */
  readonly issuer: string;
  readonly api: string;
  /** The port of the API itself. */
  readonly direct: string;
}

async function build(): Promise<Place> {
  const folder = temporaryDirectory();
  chmodSync(folder, 0o755);
  const ca = await openDevCa(path.join(folder, 'certs'), { commonName: 'clients' });
  await ca.issueServer();
  for (const name of ['client1', 'client2']) await ca.issueClient(name);
  const internal = await openDevCa(path.join(folder, 'internal'), { commonName: 'internal' });
  await internal.issueServer();
  await internal.issueClient('nginx');
  const [issuer, api, direct] = [await freePort(), await freePort(), await freePort()];
  await serve({ folder, program: 'issuer', issuer, public: issuer, own: await freePort() });
  await serve({ folder, program: 'api', issuer, public: api, own: direct });
  return { folder, ca, issuer, api, direct };
}

/** Starts a program of the example, and nginx in front of it. */
async function serve(
  at: Readonly<Record<'folder' | 'program' | 'issuer' | 'public' | 'own', string>>,
): Promise<void> {
  const { folder, program, issuer, own } = at;
  const env = {
    CERTS: path.join(folder, 'certs'),
    INTERNAL: path.join(folder, 'internal'),
    ISSUER: `https://localhost:${issuer}`,
    PORT: own,
  };
  await new Program(`examples/oauth/${program}.ts`, { env }).listens(own);
  const [page = ''] = configurations('docs/behind-nginx.md', 'nginx');
  const config = replaceAll(page, {
    '/etc/nginx/certs': `${folder}/certs`,
    '/etc/nginx/internal': `${folder}/internal`,
    'listen 443': `listen 127.0.0.1:${at.public}`,
    '127.0.0.1:8443': `127.0.0.1:${own}`,
    // The API fetches the keys of the authorization server without a certificate.
    'ssl_verify_client      on;': 'ssl_verify_client optional;',
    // With the port, which is not 443 here: oidc-provider makes its URLs of it.
    $host: '$http_host',
  });
  await startProxy('nginx', { config, folder: path.join(folder, program), port: at.public });
}

async function tokenOf(
  { folder, issuer }: Place,
  name: string,
): Promise<{ output: string; exitCode: number }> {
  const env = { CERTS: path.join(folder, 'certs'), ISSUER: `https://localhost:${issuer}` };
  return await new Program('examples/oauth/client.ts', { args: [name], env }).ended();
}

interface Call {
  readonly port: string;
  /** The client's certificate, in the folder. */
  readonly as: string;
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status and the body. */
async function call({ folder }: Place, { port, as, token, headers = {} }: Call): Promise<string> {
  const read = (name: string): Buffer => readFileSync(path.join(folder, `${name}.pem`));
  const request = https.get(`https://localhost:${port}/orders`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    agent: false,
    ca: [read('certs/ca-crt'), read('internal/ca-crt')],
    cert: read(`${as}-crt`),
    key: read(`${as}-key`),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

test('a token from behind nginx is bound to the forwarded certificate, and works with no other', async () => {
  const place = await build();
  const { api, direct, ca } = place;
  const { output, exitCode } = await tokenOf(place, 'client1');
  expect([exitCode, output]).toEqual([0, expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
  const token = output.trim();

  expect(await call(place, { port: api, as: 'certs/client1', token })).toBe(
    '200 the orders of client1, for client1\n',
  );
  const invalid = /^401 .*ERR_MTLS_TOKEN_INVALID/;
  expect(await call(place, { port: api, as: 'certs/client2', token })).toMatch(invalid);
  // The header of a client is replaced by nginx.
  const stolen = encodeURIComponent(readFileSync(path.join(place.folder, 'certs/client1-crt.pem'), 'utf8'));
  const headers = { 'x-ssl-client-cert': stolen };
  expect(await call(place, { port: api, as: 'certs/client2', token, headers })).toMatch(invalid);
  // The certificate of the proxy is not that of a client.
  expect(await call(place, { port: direct, as: 'internal/nginx', token })).toMatch(
    /^401 .*ERR_MTLS_CERTIFICATE_REQUIRED/,
  );

  const refused = await tokenOf(place, 'client2');
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toMatch(/invalid_client/);

  await ca.revoke('client1');
  await until(
    async () => (await call(place, { port: api, as: 'certs/client1', token })).startsWith('401 '),
    'the token of the revoked client is refused',
  );
});
