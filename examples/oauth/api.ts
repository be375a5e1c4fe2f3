/**
 * An API that accepts a token only with the certificate that it is bound to. `npx tsx examples/oauth/api.ts`
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { clientOf, createServer, mtlsErrorHandler } from 'express-mtls';
import { requireBoundToken } from 'express-mtls/oauth';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { options } from './server-options.js';

const port = Number(process.env['PORT'] ?? 4433);
const issuer = process.env['ISSUER'] ?? 'https://localhost:4434';
const certs = process.env['CERTS'] ?? 'certs-dev';

const app = express();
app.use(
  auth({
    issuer,
    jwksUri: `${issuer}/jwks`,
    audience: 'https://api.example',
    tokenSigningAlg: 'ES256',
    agent: new https.Agent({ ca: readFileSync(`${certs}/ca-crt.pem`) }),
  }),
);
app.use(requireBoundToken());
app.get('/orders', requiredScopes('read'), (req, res) => {
  res.send(`the orders of ${clientOf(req).commonName}, for ${String(req.auth?.payload['client_id'])}\n`);
});
app.use(mtlsErrorHandler());

const server = await createServer(options, app);
server.listen(port, () => {
  console.log(`The API is on https://localhost:${(server.address() as AddressInfo).port}`);
});
