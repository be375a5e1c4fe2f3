/**
 * Connect: the middleware of Express, unchanged. `npx tsx examples/connect/server.ts`
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import connect from 'connect';
import {
  clientIdentity,
  createServer,
  developmentLogger,
  mtlsErrorHandler,
  type MtlsRequest,
  requireClient,
} from 'express-mtls';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();

const app = connect();
app.use(clientIdentity());
app.use('/admin', requireClient({ commonName: 'client1' }));
app.use('/admin', (_req, res) => {
  res.end('welcome\n');
});
app.use((req: MtlsRequest, res) => {
  res.end(`hello ${req.clientIdentity?.commonName ?? 'stranger'}\n`);
});
app.use(mtlsErrorHandler());

const server = await createServer({ key, cert, ca, crl, logger, clients: 'optional' }, app);
server.listen(port, () => {
  console.log(`Connect on https://localhost:${(server.address() as AddressInfo).port}`);
});
