/**
 * A cluster: each worker has its own gate and reloads on its own. `npx tsx examples/cluster/server.ts`
 *
 * @module
 */
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, developmentLogger, identify } from 'express-mtls';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();

if (cluster.isPrimary) startWorkers(Number(process.env['WORKERS'] ?? 2));
else await serve(cluster.worker?.id ?? 0);

function startWorkers(count: number): void {
  // Shared, so that any worker can resume a session. A ticket gives no access by itself: the gate judges each
  // resumed session again, by the CAs and CRLs that its worker has loaded.
  const TICKET_KEYS = randomBytes(48).toString('hex');
  for (let started = 0; started < count; started++) cluster.fork({ TICKET_KEYS });
  cluster.on('exit', (worker) => {
    console.log(`worker ${worker.id} has exited and is replaced`);
    cluster.fork({ TICKET_KEYS });
  });
}

async function serve(id: number): Promise<void> {
  const ticketKeys = Buffer.from(process.env['TICKET_KEYS'] ?? '', 'hex');
  const server = await createServer({ key, cert, ca, crl, logger, tls: { ticketKeys } }, (req, res) => {
    const identity = identify(req);
    const how = identity?.resumed === true ? 'resumed' : 'new';
    res.end(`hello ${identity?.commonName}, from worker ${id}, session ${how}\n`);
  });
  server.mtls.on('reloaded', ({ added, evicted }) => {
    console.log(`worker ${id} reloaded: ${added} newly revoked, ${evicted} closed`);
  });
  server.mtls.on('refused', ({ identity, reason, resumed }) => {
    const how = resumed ? 'resumed' : 'new';
    console.log(`worker ${id} refused ${identity?.commonName}: ${reason}, session ${how}`);
  });
  server.listen(port, () => {
    console.log(`worker ${id} on https://localhost:${(server.address() as AddressInfo).port}`);
  });
}
