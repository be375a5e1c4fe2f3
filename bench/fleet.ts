/**
 * From publishing a CRL to a store until the last process of a fleet has closed the connection that it revokes.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate } from '../test/support/chain.js';
import { measureDeltas } from './fleet-delta.js';
import { Child } from './harness/child.js';
import { Bench, type Context } from './harness/context.js';
import { startRedis } from './harness/redis.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { percentile } from './harness/statistics.js';
import { HeldConnections } from './load/held-connections.js';
import type { FleetPublisherCalls } from './programs/fleet-publisher.js';
import type { FleetServerCalls } from './programs/fleet-server.js';

const limitMs = 30_000;

export async function benchFleet(context: Context): Promise<BenchmarkResult> {
  const rounds = context.quick ? 5 : 100;
  const sizes = context.quick ? [1, 8] : [1, 2, 4, 8];
  const figures: Figure[] = [];
  for (const size of sizes) {
    context.progress(`${size} processes, ${rounds} revocations`);
    figures.push(...(await Bench.run((bench) => measure(bench, size, rounds))));
  }
  figures.push(...(await Bench.run((bench) => measureDeltas(bench, context))));
  return {
    name: 'fleet',
    title: 'From publishing to Redis until the last process has closed the connection of the revoked client',
    figures,
    notes: [
      'Every process holds a connection of the client. The time begins before publishCrl() verifies the CRL, and ends with the last close that a client sees. All processes, clients and Redis share one machine.',
    ],
  };
}

async function measure(bench: Bench, size: number, rounds: number): Promise<Figure[]> {
  const { material } = bench;
  const { root } = material;
  const url = await startRedis(bench);
  const publisher = bench.own(new Child<FleetPublisherCalls>('fleet-publisher'));
  await publisher.call('publish', url, root.crl({ number: 1 }).der, root.pem);
  const servers = Array.from({ length: size }, () => bench.own(new Child<FleetServerCalls>('fleet-server')));
  const ports = await Promise.all(
    servers.map((server) => server.call('listen', url, material.serverFiles())),
  );
  const revoked: Certificate[] = [];
  const afterMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = root.client(`client${round}`);
    const held = await Promise.all(
      ports.map((port) => HeldConnections.open(port, [material.credentialsOf(one)])),
    );
    revoked.push(one);
    const { der } = root.crl({ number: 2 + round, revoked });
    const started = await publisher.call('publish', url, der, root.pem);
    const closed = await Promise.all(held.map((each) => each.closed(limitMs)));
    afterMs.push(Math.max(...closed.flat()) - started);
    await sleep(100);
  }
  const label = `${size} ${size === 1 ? 'process' : 'processes'}`;
  return [
    { label: `${label}: p99`, value: percentile(afterMs, 0.99), unit: 'ms', atMost: 250 },
    { label: `${label}: median`, value: percentile(afterMs, 0.5), unit: 'ms' },
    ...(size === 8 ? await idleCost(servers, await publisher.call('reportBytes', url)) : []),
  ];
}

/** What polling and reporting cost while nothing changes. */
async function idleCost(servers: readonly Child<FleetServerCalls>[], reportBytes: number): Promise<Figure[]> {
  const idleMs = 20_000;
  const [first] = servers as readonly [Child<FleetServerCalls>];
  const before = await first.call('cpu');
  await sleep(idleMs);
  const cpuMs = (await first.call('cpu')) - before;
  return [
    {
      label: 'CPU of one process in an hour without changes',
      value: (cpuMs * 3_600_000) / idleMs,
      unit: 'ms',
    },
    { label: 'report of one process', value: reportBytes, unit: 'B' },
  ];
}
