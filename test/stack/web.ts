/**
 * CORS and bound tokens: the middleware that apps use for them, beside the packed package.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { call } from '../support/call.js';
import { codeBlocks } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import type { Project } from './project.js';

/** The packages that they need. */
export const webVersions = { cors: '2.8.6', 'express-oauth2-jwt-bearer': '1.10.0', jose: '6.2.18' };

/** Defines the tests. */
export function testWeb(projectOf: () => Project): void {
  test('the server of the page about CORS answers preflights without a certificate, and requests with one', async () => {
    const project = projectOf();
    const port = await freePort();
    const code = codeBlocks('docs/cors.md').find(({ file }) => file === 'server.mjs')?.code ?? '';
    await project.serveOn(port, process.execPath, project.write('cors.mjs', code.replaceAll('4433', port)));
    await project.ca.issueClient('cors-client');
    const { certs } = project;
    const url = `https://localhost:${port}/orders`;
    const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'PUT' };
    expect(await call(url, { certs, method: 'OPTIONS', headers })).toBe('204 ');
    const put = { certs, as: 'cors-client', method: 'PUT' };
    expect(await call(url, { ...put, headers })).toBe('200 {"client":"cors-client"}');
    expect(await call(url, { ...put, headers: { origin: 'https://evil.example' } })).toMatch(/^403 /);
    expect(await call(url, { certs, method: 'PUT', headers })).toMatch(/^401 .*CERTIFICATE_REQUIRED/);
  });

  test('a token counts only from the client that it is bound to, with the middleware that verified it', async () => {
    const project = projectOf();
    // Other tests of the project revoke its first clients.
    for (const name of ['owner', 'thief']) await project.ca.issueClient(name);
    project.write('api.mjs', api);
    const { output, port } = await project.serve(process.execPath, ['api.mjs']);
    const [, token = ''] = /^token (.*)$/m.exec(output) ?? [];
    const url = `https://localhost:${port}/`;
    const headers = { authorization: `Bearer ${token}` };
    const { certs } = project;
    expect(await call(url, { certs, as: 'owner', headers })).toBe('200 hello owner');
    expect(await call(url, { certs, as: 'thief', headers })).toMatch(/^401 .*"ERR_MTLS_TOKEN_INVALID"/);
    expect(await call(url, { certs, as: 'owner' })).toMatch(/^401 /);
  });
}

// Its keys are where an authorization server would publish them.
const api = `
import { X509Certificate, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { clientOf, createServer, mtlsErrorHandler } from 'express-mtls';
import { requireBoundToken } from 'express-mtls/oauth';

const { publicKey, privateKey } = await generateKeyPair('ES256');
const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: '1' }] };
const issuer = createHttpServer((req, res) => res.end(JSON.stringify(jwks)));
await new Promise((resolve) => issuer.listen(0, '127.0.0.1', resolve));
const claims = { issuer: 'https://issuer.example', audience: 'https://api.example' };

const { raw } = new X509Certificate(readFileSync('certs/owner-crt.pem'));
const thumbprint = createHash('sha256').update(raw).digest('base64url');
const token = await new SignJWT({ cnf: { 'x5t#S256': thumbprint } })
  .setProtectedHeader({ alg: 'ES256', kid: '1' })
  .setIssuer(claims.issuer)
  .setAudience(claims.audience)
  .setIssuedAt()
  .setExpirationTime('1h')
  .sign(privateKey);
console.log('token ' + token);

const app = express();
app.use(auth({ ...claims, jwksUri: 'http://127.0.0.1:' + issuer.address().port, tokenSigningAlg: 'ES256' }));
app.use(requireBoundToken());
app.get('/', (req, res) => res.send('hello ' + clientOf(req).commonName));
app.use(mtlsErrorHandler());

const [key, cert, ca, crl] = ['server-key', 'server-crt', 'ca-crt', 'ca-crl'].map((name) => 'certs/' + name + '.pem');
const server = await createServer({ key, cert, ca, crl }, app);
server.listen(0, () => console.log('listening ' + server.address().port));
`;
