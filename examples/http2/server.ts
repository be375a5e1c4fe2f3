/**
 * HTTP/2, and HTTP/1.1 on the same port: a plain handler and an Express app. `npx tsx examples/http2/server.ts`
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import express from 'express';
import {
  clientIdentity,
  developmentLogger,
  identify,
  mtlsErrorHandler,
  protect,
  requireClient,
} from 'express-mtls';
import { overBothVersions } from './express-over-http2.js';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();

const app = express();
app.use(clientIdentity());
app.get('/', (req, res) => {
  res.send(`hello ${req.clientIdentity?.commonName}, over HTTP/${req.httpVersion}\n`);
});
app.get('/admin', requireClient({ commonName: 'client1' }), (_req, res) => {
  res.send('welcome\n');
});
app.use(mtlsErrorHandler());
const express5 = overBothVersions(app);

// protect() needs a server that requests certificates; the gate decides which clients are admitted.
const server = createSecureServer({
  key: readFileSync(key),
  cert: readFileSync(cert),
  allowHTTP1: true,
  requestCert: true,
  rejectUnauthorized: false,
});
server.on('request', (req, res) => {
  // A handler without a framework: the same identity, judged again.
  if (req.url === '/whoami') res.end(`${identify(req)?.subject}\n`);
  else express5(req, res);
});

const mtls = await protect(server, { key, cert, ca, crl, logger });
mtls.on('evicted', ({ identity, reason }) => {
  console.log(`evicted ${identity?.commonName}: ${reason}`);
});
server.listen(port, () => {
  console.log(`HTTP/2 on https://localhost:${(server.address() as AddressInfo).port}`);
});
