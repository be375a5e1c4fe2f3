/**
 * Credentials from a loader: a CA in this process issues a new key and certificate every few seconds, and the server
 * presents them without a restart. `npx tsx examples/credentials/server.ts`
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import express from 'express';
import {
  clientOf,
  createServer,
  type CredentialsLoader,
  developmentLogger,
  type LoadedCredentials,
  mtlsErrorHandler,
  requireClient,
} from 'express-mtls';
import { openDevCa } from 'express-mtls/dev-ca';

const port = Number(process.env['PORT'] ?? 4433);
const everyMs = Number(process.env['EVERY_MS'] ?? 5000);
const ca = await openDevCa(process.env['CERTS'] ?? 'certs-dev');

// Each certificate is valid for a minute. In production, a SPIFFE agent, Vault or an ACME client takes the place of this CA.
const days = 1 / 1440;
const { certFile, keyFile } = await ca.issueServer({ name: 'rotating', days });
const renewals = new EventEmitter();
const renew = async (): Promise<LoadedCredentials> => {
  await ca.renew('rotating', { key: 'new', days });
  const [key, cert, bundle] = [keyFile, certFile, ca.certFile].map((file) => readFileSync(file));
  return { key: key as Buffer, cert: cert as Buffer, ca: [bundle as Buffer] };
};
let pair = await renew();
setInterval(() => {
  renew().then((next) => {
    pair = next;
    renewals.emit('renewed');
  }, console.error);
}, everyMs);

const credentials: CredentialsLoader = {
  load: () => Promise.resolve(pair),
  watch: (notify) => {
    renewals.on('renewed', notify);
    return { [Symbol.dispose]: () => renewals.off('renewed', notify) };
  },
};

const app = express();
app.get('/', requireClient(), (req, res) => res.send(`hello ${clientOf(req).commonName}\n`));
app.use(mtlsErrorHandler());
const server = await createServer({ credentials, crl: ca.crlFile, logger: developmentLogger() }, app);
server.listen(port, () => {
  console.log(`Credentials on https://localhost:${(server.address() as AddressInfo).port}`);
});
