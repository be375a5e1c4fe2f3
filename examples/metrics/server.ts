/**
 * Metrics for Prometheus, which has its own client certificate. `npx tsx examples/metrics/server.ts`
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createServer, developmentLogger, mtlsErrorHandler, requireClient } from 'express-mtls';
import { collectMetrics } from 'express-mtls/metrics';
import { collectDefaultMetrics, register } from 'prom-client';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';

const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();
const app = express();
const server = await createServer({ key, cert, ca, crl, logger }, app);

// Counts handshakes, connections, CRLs and reloads from here on, and requests after countRequests.
const metrics = collectMetrics(server.mtls, { requestsByClient: 100 });
// The process itself: CPU, memory, the delay of the event loop.
collectDefaultMetrics();

app.use(metrics.countRequests);
app.get('/', requireClient(), (req, res) => res.send(`hello ${req.clientIdentity?.commonName}\n`));

// Metrics show which clients call and how often, so only one client may read them.
app.get('/metrics', requireClient({ commonName: 'prometheus' }), async (_req, res) => {
  res.type(register.contentType).send(await register.metrics());
});
app.use(mtlsErrorHandler());

server.listen(port, () => {
  console.log(`Metrics on https://localhost:${(server.address() as AddressInfo).port}`);
});
