/**
 * Guards: some routes are public, some are for certain clients. `npx tsx examples/guards/server.ts`
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import { allOf, anyOf, type ClientIdentity, clientIdentity, not, requireClient } from 'express-mtls';
import { createServer, developmentLogger, mtlsErrorHandler } from 'express-mtls';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';

const app = express();
app.use(clientIdentity());

// Public: callers without a certificate are admitted, because clients are optional.
app.get('/', (req, res) => res.json({ caller: req.clientIdentity?.commonName ?? 'anonymous' }));

// For every client with a certificate.
app.get('/members', requireClient(), (req, res) => res.json({ serial: req.clientIdentity?.serialNumber }));

// One matching value per field is enough; all fields must match.
const billing = { organization: 'Example', organizationalUnit: ['billing', 'audit'] };
const staff = anyOf({ commonName: 'client1' }, billing, { email: /^[a-z.]+@ops\.example\.org$/ });
const invoices = allOf(staff, not({ commonName: 'trainee' }));
app.get('/invoices', requireClient(invoices), (_req, res) => res.json({ invoices: [] }));

// A function is a rule too: it sees the request, and only `true` allows it.
const isOwner = ({ commonName }: ClientIdentity, { params }: Request): boolean =>
  commonName === params['owner'];
app.get('/accounts/:owner', requireClient(isOwner), (req, res) => res.json({ owner: req.params['owner'] }));

// It may be asynchronous; if it throws, the request is forbidden.
const enrolled = async ({ serialNumber }: ClientIdentity): Promise<boolean> =>
  (await readFile(`${certs}/enrolled.txt`, 'utf8')).split('\n').includes(serialNumber);
app.get('/beta', requireClient(enrolled), (_req, res) => res.json({ welcome: true }));

// 401, 403 and 503 become problem details (RFC 9457). Other errors are passed to the next handlers.
app.use(mtlsErrorHandler());

const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();
const server = await createServer({ key, cert, ca, crl, logger, clients: 'optional' }, app);
server.listen(port, () => {
  console.log(`Guards on https://localhost:${(server.address() as AddressInfo).port}`);
});
