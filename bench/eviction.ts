/**
 * Benchmark 5: from publishing a CRL to the end of the connections that it revokes.
 *
 * @module
 */
import { copyFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientCalls } from './programs/client.js';
import type { ServerCalls } from './programs/server.js';
import { Child } from './harness/child.js';
import { Bench, type Context, describeEntries, million } from './harness/context.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { percentile } from './harness/statistics.js';

const limitMs = 60_000;

export async function benchEviction(context: Context): Promise<BenchmarkResult> {
  const connections = context.quick ? 100 : 1000;
  const figures: Figure[] = [];
  for (const entries of [connections, million]) {
    context.progress(`${connections} connections, all revoked by a list of ${describeEntries(entries)}`);
    figures.push(...(await Bench.run((bench) => measure(bench, connections, entries))));
  }
  return {
    name: 'eviction',
    title: `From revocation to closed connection, ${connections} live connections all revoked at once`,
    figures,
    notes: [
      'Each connection has a certificate of its own. Times are from the rename to the close that the client sees.',
    ],
  };
}

async function measure(bench: Bench, connections: number, entries: number): Promise<Figure[]> {
  const { material } = bench;
  const client = bench.own(new Child<ClientCalls>('client'));
  const server = bench.own(new Child<ServerCalls>('server'));
  const live = material.livePath('crl.pem');
  copyFileSync(material.writeCrl({ name: 'small.pem', entries: 0 }), live);
  const { port } = await server.call('listen', {
    kind: 'express-mtls',
    files: material.serverFiles(live),
    app: 'guarded',
  });
  const certificates = Array.from({ length: connections }, () => material.root.client('client1'));
  const list = material.writeCrl({ name: 'staged.pem', entries, also: certificates });
  await client.call(
    'holdConnections',
    port,
    certificates.map((certificate) => material.credentialsOf(certificate)),
  );
  await sleep(500);
  await server.call('startProbe');
  const renamedAt = material.publish(list, live);
  const closedAt = await client.call('heldAreClosed', limitMs);
  const { monitor, cpu } = await server.call('stopProbe');
  const [report] = await server.call('takeReports');
  if (report?.evicted !== connections) throw new Error(`${report?.evicted ?? 'no'} connections were evicted`);
  const afterMs = closedAt.map((at) => at - renamedAt);
  const label = `by a list of ${describeEntries(entries)}`;
  return [
    { label: `${label}: p99`, value: percentile(afterMs, 0.99), unit: 'ms', atMost: 1000 },
    { label: `${label}: median`, value: percentile(afterMs, 0.5), unit: 'ms' },
    { label: `${label}: last`, value: Math.max(...afterMs), unit: 'ms' },
    { label: `${label}: longest stall of the event loop`, value: monitor, unit: 'ms' },
    { label: `${label}: CPU of the main thread in one turn of the loop, at most`, value: cpu, unit: 'ms' },
  ];
}
