/**
 * Revocation: an explicit policy, all events printed, a manual reload. `npx tsx examples/revocation/server.ts`
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createServer, developmentLogger, mtlsErrorHandler, requireClient } from 'express-mtls';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';

const app = express();
app.use(requireClient());
app.get('/', (_req, res) => res.json(mtls.revocation));
app.get('/connections', (_req, res) => {
  res.json(Array.from(mtls.connections, ({ identity, since }) => ({ client: identity.commonName, since })));
});
// Nothing is watched here: the publisher of a CRL triggers the reload. It throws if a source is at fault.
app.post('/reload', async (_req, res) => res.json(await mtls.reload()));
app.use(mtlsErrorHandler());

const server = await createServer(
  {
    key: `${certs}/server-key.pem`,
    cert: `${certs}/server-crt.pem`,
    ca: `${certs}/ca-crt.pem`,
    crl: `${certs}/ca-crl.pem`,
    logger: developmentLogger(),
    watch: false,
    revocation: {
      scope: 'chain', // the client's certificate, and every CA between it and the root
      unknown: 'deny', // a CA without a CRL: its clients are refused
      stale: 'deny', // a CRL past its nextUpdate no longer proves that a client is good…
      graceMs: 3_600_000, // …except for one more hour
    },
  },
  app,
);

const { mtls } = server;
// Every other event is in the log.
mtls.on('authenticated', ({ identity }) => {
  console.log(`authenticated ${identity.subject}`);
});

server.listen(port, () => {
  console.log(`Revocation on https://localhost:${(server.address() as AddressInfo).port}`);
});
