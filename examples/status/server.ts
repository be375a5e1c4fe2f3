/**
 * A status page for operators, and a probe. `npx tsx examples/status/server.ts`
 *
 * @module
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { clientIdentity, createServer, developmentLogger, mtlsErrorHandler } from 'express-mtls';
import { statusRouter } from 'express-mtls/status';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';

const app = express();
app.use(clientIdentity());
app.get('/', (req, res) => res.send(`hello ${req.clientIdentity?.commonName ?? 'stranger'}\n`));

if (existsSync(`${certs}/server-crt.pem`)) await serve();
else {
  console.error(`${certs} holds no certificates yet. Make them with: npm run certs`);
  process.exitCode = 1;
}

async function serve(): Promise<void> {
  const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
  const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
  const logger = developmentLogger();
  // Callers without a certificate are admitted, for the probe.
  const server = await createServer({ key, cert, ca, crl, logger, clients: 'optional' }, app);

  // The status router needs the server; Express accepts routes at any time.
  app.use('/status', statusRouter(server.mtls, { access: { commonName: 'client1' }, ready: 'open' }));
  app.use(mtlsErrorHandler());

  server.listen(port, () => {
    const { port: actualPort } = server.address() as AddressInfo;
    console.log(
      `Serving on https://localhost:${actualPort}\nclient1 may see /status, any caller /status/ready`,
    );
  });
}
