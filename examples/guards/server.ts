/**
 * Guards: some routes for everybody, some for certain clients. `npx tsx examples/guards/server.ts`
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import { allOf, anyOf, type ClientIdentity, clientIdentity, not, requireClient } from 'express-mtls';
import { createServer, mtlsErrorHandler } from 'express-mtls';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';

const app = express();
app.use(clientIdentity());

// For everybody: callers without a certificate come this far, because clients are optional.
app.get('/', (req, res) => res.json({ caller: req.clientIdentity?.commonName ?? 'anonymous' }));

// For every client with a certificate, whoever it is.
app.get('/members', requireClient(), (req, res) => res.json({ serial: req.clientIdentity?.serialNumber }));

// Within a field any one value is enough; across fields all must hold.
const billing = { organization: 'Example', organizationalUnit: ['billing', 'audit'] };
const staff = anyOf({ commonName: 'client1' }, billing, { email: /^[a-z.]+@ops\.example\.org$/ });
const invoices = allOf(staff, not({ commonName: 'trainee' }));
app.get('/invoices', requireClient(invoices), (_req, res) => res.json({ invoices: [] }));

// A function is a rule too: it sees the request, and only `true` grants.
const isOwner = ({ commonName }: ClientIdentity, { params }: Request): boolean =>
  commonName === params['owner'];
app.get('/accounts/:owner', requireClient(isOwner), (req, res) => res.json({ owner: req.params['owner'] }));

// It may ask elsewhere and answer later; where it throws, the caller is refused.
const enrolled = async ({ serialNumber }: ClientIdentity): Promise<boolean> =>
  (await readFile(`${certs}/enrolled.txt`, 'utf8')).split('\n').includes(serialNumber);
app.get('/beta', requireClient(enrolled), (_req, res) => res.json({ welcome: true }));

// 401, 403 and 503 become problem details (RFC 9457). Other errors go on to the handlers after it.
app.use(mtlsErrorHandler());

const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const server = await createServer({ key, cert, ca, crl, clients: 'optional' }, app);
server.listen(port, () => {
  console.log(`Guards on https://localhost:${(server.address() as AddressInfo).port}`);
});
