/**
 * No framework: one `(req, res)` function. `npx tsx examples/plain-node/server.ts`
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { createServer, developmentLogger, identify, mtlsErrorHandler, requireClient } from 'express-mtls';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();

const guard = requireClient({ commonName: 'client1' });
const answer = mtlsErrorHandler();

const server = await createServer({ key, cert, ca, crl, logger, clients: 'optional' }, (req, res) => {
  const identity = identify(req);
  if (req.url !== '/admin') {
    res.end(`hello ${identity?.commonName ?? 'stranger'}\n`);
    return;
  }
  // Without a framework, middleware is a function with a callback.
  guard(req, res, (error) => {
    if (error === undefined) res.end('welcome\n');
    else answer(error, req, res, () => res.destroy());
  });
});
server.listen(port, () => {
  console.log(`node:https on https://localhost:${(server.address() as AddressInfo).port}`);
});
