/**
 * Benchmark 2: puts a million entries into force while requests are served.
 *
 * @module
 */
import { copyFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate } from '../test/support/chain.js';
import type { ClientCalls } from './programs/client.js';
import type { ServerCalls } from './programs/server.js';
import type { Stalls } from './programs/stall-probe.js';
import { Child } from './harness/child.js';
import { Bench, type Context, million } from './harness/context.js';
import type { CrlFormat } from './harness/material.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { median } from './harness/statistics.js';

/** The result of one reload. */
interface Reload extends Stalls {
  /** From the rename until the revoked client is cut off, in milliseconds. */
  readonly enforcedMs: number;
  readonly failed: number;
  readonly answered: number;
  readonly slowestMs: number;
}

/** CRLs to put into force one after the other; each revokes one more client. */
interface Lists {
  readonly small: string;
  readonly first: string;
  readonly next: string;
}

const loadConnections = 2;
const pauseMs = 20;
const limitMs = 60_000;
const idleMs = 1500;

export async function benchReload(context: Context): Promise<BenchmarkResult> {
  return await Bench.run((bench) => measure(bench, context));
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<BenchmarkResult> {
  const rounds = quick ? 1 : 5;
  const clients = [bench.material.revoked, bench.material.root.client('client1')] as const;
  const found: Record<string, Reload[]> = {};
  const idle: Stalls[] = [];
  for (const format of ['pem', 'der'] as const) {
    const lists = writeLists(bench, format, clients);
    for (let round = 1; round <= rounds; round++) {
      progress(`${format.toUpperCase()}: reload ${round} of ${rounds}`);
      const { quiet, first, next } = await reloadOurs(bench, lists, clients);
      idle.push(quiet);
      (found[`a million over a thousand, ${format.toUpperCase()}`] ??= []).push(first);
      (found[`a million over a million, ${format.toUpperCase()}`] ??= []).push(next);
      await bench.stopAll();
    }
  }
  progress('native: setSecureContext with the same list');
  const native = await reloadNative(bench, clients[0]);
  const all = Object.values(found).flat();
  return {
    name: 'reload',
    title: 'A million entries put into force while requests are served',
    figures: [
      ...Object.entries(found).flatMap(([label, reloads]) => goalFigures(label, reloads)),
      {
        label: 'requests that failed meanwhile',
        value: all.reduce((sum, { failed }) => sum + failed, 0),
        unit: '',
        atMost: 0,
      },
      {
        label: 'requests answered meanwhile',
        value: all.reduce((sum, { answered }) => sum + answered, 0),
        unit: '',
      },
      { label: 'slowest of them', value: Math.max(...all.map(({ slowestMs }) => slowestMs)), unit: 'ms' },
      {
        label: 'longest stall of all reloads, worst',
        value: Math.max(...all.map(({ monitor }) => monitor)),
        unit: 'ms',
      },
      { label: 'by the second probe, worst', value: Math.max(...all.map(({ probe }) => probe)), unit: 'ms' },
      {
        label: 'CPU of the main thread in one turn of the loop, worst',
        value: Math.max(...all.map(({ cpu }) => cpu)),
        unit: 'ms',
      },
      {
        label: 'longest stall of the same server in as long without a reload, median',
        value: median(idle.map(({ monitor }) => monitor)),
        unit: 'ms',
      },
      ...native,
    ],
    notes: [
      `${loadConnections} keep-alive connections make a request every ${pauseMs} ms meanwhile. Goals are on the median of ${rounds} reloads, each of a fresh process.`,
      'Enforced: the revoked client’s open connection is closed, and a new one is refused.',
      'A stall is wall-clock time: where threads outnumber the free cores it holds time that the loop waited for a core. The CPU line does not.',
    ],
  };
}

function writeLists(
  { material }: Bench,
  format: CrlFormat,
  [first, second]: readonly [Certificate, Certificate],
): Lists {
  const write = (name: string, entries: number, also: readonly Certificate[]): string =>
    material.writeCrl({ name: `${name}.${format}`, entries, also, format });
  return {
    small: write('small', 1000, []),
    first: write('first', million, [first]),
    next: write('next', million, [first, second]),
  };
}

async function reloadOurs(
  bench: Bench,
  lists: Lists,
  [firstClient, secondClient]: readonly [Certificate, Certificate],
): Promise<{ quiet: Stalls; first: Reload; next: Reload }> {
  const { material } = bench;
  const client = bench.own(new Child<ClientCalls>('client'));
  const revoked = bench.own(new Child<ClientCalls>('client'));
  const server = bench.own(new Child<ServerCalls>('server'));
  const live = material.livePath('crl.pem');
  copyFileSync(lists.small, live);
  const { port } = await server.call('listen', {
    kind: 'express-mtls',
    files: material.serverFiles(live),
    app: 'guarded',
  });
  const target = { port, credentials: material.credentialsOf(material.client) };
  await client.call('openLoad', target, loadConnections);
  await client.call('makeRequests', port, 3000);

  const run = async (list: string | undefined, gone: Certificate): Promise<Reload> => {
    const staged = material.pathOf('staged');
    if (list !== undefined) copyFileSync(list, staged);
    await client.call('openLoad', target, loadConnections);
    await client.call('startLoad', port, pauseMs);
    await sleep(300);
    await server.call('startProbe');
    let enforcedMs = 0;
    if (list === undefined) await sleep(idleMs);
    else {
      const refused = revoked.call(
        'askUntilRefused',
        { port, credentials: material.credentialsOf(gone) },
        limitMs,
      );
      await sleep(200);
      const renamedAt = material.publish(staged, live);
      enforcedMs = (await refused) - renamedAt;
      // Work after the commit, such as ending the thread, is included.
      await sleep(500);
    }
    const stalls = await server.call('stopProbe');
    return { ...stalls, ...(await client.call('stopLoad', port)), enforcedMs };
  };

  const quiet = await run(undefined, firstClient);
  const first = await run(lists.first, firstClient);
  const next = await run(lists.next, secondClient);
  await server.call('takeReports');
  return { quiet, first, next };
}

function goalFigures(label: string, reloads: readonly Reload[]): Figure[] {
  return [
    {
      label: `${label}: rename to enforced`,
      value: median(reloads.map(({ enforcedMs }) => enforcedMs)),
      unit: 'ms',
      atMost: 1000,
    },
    {
      label: `${label}: longest stall of the event loop`,
      value: median(reloads.map(({ monitor }) => monitor)),
      unit: 'ms',
      atMost: 10,
    },
  ];
}

async function reloadNative(bench: Bench, gone: Certificate): Promise<Figure[]> {
  const { material } = bench;
  const client = bench.own(new Child<ClientCalls>('client'));
  const server = bench.own(new Child<ServerCalls>('server'));
  const { port } = await server.call('listen', {
    kind: 'native',
    files: material.serverFiles(material.writeCrl({ name: 'native-small.pem', entries: 1000 })),
  });
  const list = material.writeCrl({ name: 'native.pem', entries: million, also: [gone] });
  await server.call('startProbe');
  const refused = client.call(
    'connectUntilRefused',
    { port, credentials: material.credentialsOf(gone) },
    limitMs,
  );
  const startedAt = material.publish(list, material.livePath('native.pem'));
  const swapMs = await server.call('swapContext', material.livePath('native.pem'));
  const enforcedMs = (await refused) - startedAt;
  const stalls = await server.call('stopProbe');
  return [
    { label: 'Node native: setSecureContext alone', value: swapMs, unit: 'ms' },
    { label: 'Node native: longest stall of the event loop', value: stalls.monitor, unit: 'ms' },
    { label: 'Node native: rename to a new connection refused', value: enforcedMs, unit: 'ms' },
  ];
}
