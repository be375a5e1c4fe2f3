/**
 * A server that runs in a process of its own, in the workers of a cluster, or in threads; `process-server.ts`
 * starts it. It writes what happens as lines of JSON. `/end` ends the process that answers; the cluster then forks another.
 *
 * @module
 */
import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, threadId, Worker } from 'node:worker_threads';
import { createServer, identify } from 'express-mtls';
import type { ProcessFigures, ProcessOptions, ProcessReport } from './process-server.js';

const { options, ticketKeys, workers = 0, threads = 0 } = JSON.parse(process.argv[2] ?? '') as ProcessOptions;

if (cluster.isPrimary && workers > 0) {
  cluster.on('exit', () => cluster.fork());
  for (let each = 0; each < workers; each++) cluster.fork();
} else if (isMainThread && threads > 0) {
  // Node 20 loads no TypeScript in a thread unless the thread itself asks for it.
  const load = `require('tsx/cjs/api').register();
    import('tsx/esm/api').then(({ register }) => register()).then(() => import(${JSON.stringify(import.meta.url)}));`;
  for (let each = 0; each < threads; each++) new Worker(load, { eval: true, argv: process.argv.slice(2) });
} else {
  await serve();
}

function ownNumber(): number {
  return cluster.worker?.id ?? threadId;
}

function report(what: Omit<ProcessReport, 'by'>): void {
  console.log(JSON.stringify({ ...what, by: ownNumber() }));
}

function figures(): ProcessFigures {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { user, system } = process.cpuUsage();
  return { heapUsed: process.memoryUsage().heapUsed, cpuMs: (user + system) / 1000 };
}

async function serve(): Promise<void> {
  const tls = ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys, 'hex') };
  const server = await createServer({ ...options, tls }, (req, res) => {
    const identity = identify(req);
    const by = ownNumber();
    if (req.url === '/end') req.socket.once('close', () => process.exit());
    if (req.url === '/figures') {
      res.end(JSON.stringify(figures()));
      return;
    }
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
