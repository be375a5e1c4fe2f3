/**
 * A server that runs in a process of its own, or in the workers of a cluster; `process-server.ts` starts it. It
 * writes what happens as lines of JSON. `/end` ends the process that answers; the cluster then forks another.
 *
 * @module
 */
import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { createServer, identify } from 'express-mtls';
import type { ProcessOptions, ProcessReport } from './process-server.js';

const { options, ticketKeys, workers = 0 } = JSON.parse(process.argv[2] ?? '') as ProcessOptions;

if (cluster.isPrimary && workers > 0) {
  cluster.on('exit', () => cluster.fork());
  for (let each = 0; each < workers; each++) cluster.fork();
} else {
  await serve();
}

function report(what: Omit<ProcessReport, 'by'>): void {
  console.log(JSON.stringify({ ...what, by: cluster.worker?.id ?? 0 }));
}

async function serve(): Promise<void> {
  const tls = ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys, 'hex') };
  const server = await createServer({ ...options, tls }, (req, res) => {
    const identity = identify(req);
    const by = cluster.worker?.id ?? 0;
    if (req.url === '/end') req.socket.once('close', () => process.exit());
    res.end(JSON.stringify({ hello: identity?.commonName, resumed: identity?.resumed, by }));
  });
  server.mtls.on('reloaded', () => {
    report({ event: 'reloaded' });
  });
  server.mtls.on('refused', ({ reason, resumed }) => {
    report({ event: 'refused', reason, resumed });
  });
  server.listen(0, '127.0.0.1', () => {
    report({ event: 'listening', port: (server.address() as AddressInfo).port });
  });
}
