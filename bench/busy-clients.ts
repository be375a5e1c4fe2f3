/**
 * Benchmark 5, continued: from publishing a CRL to the last request of a client that keeps the server busy.
 *
 * @module
 */
import { copyFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sending } from './load/busy-connections.js';
import type { BusyServerCalls } from './programs/busy-server.js';
import type { ClientCalls } from './programs/client.js';
import { Child } from './harness/child.js';
import { Bench, type Context } from './harness/context.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { median } from './harness/statistics.js';

/** How a client keeps the server busy. */
interface Load {
  readonly label: string;
  readonly of: 'requests' | 'messages';
  readonly connections: number;
  readonly sending: Sending;
  /** How long the handler blocks the event loop for each. */
  readonly handleMs: number;
}

/** One revocation under load. Times are relative to the rename. */
interface Revocation {
  readonly lastHandledMs: number;
  readonly afterCommit: number;
  readonly closedMs: number;
  readonly handledPerSecond: number;
}

const loads: readonly Load[] = [
  {
    label: '20 connections with 50 pipelined requests of 1 ms each',
    of: 'requests',
    connections: 20,
    sending: { pipelined: 50 },
    handleMs: 1,
  },
  {
    label: '50 connections with 100 pipelined requests of 1 ms each',
    of: 'requests',
    connections: 50,
    sending: { pipelined: 100 },
    handleMs: 1,
  },
  {
    label: '500 WebSockets with a message of 0.02 ms every 10 ms',
    of: 'messages',
    connections: 500,
    sending: { everyMs: 10 },
    handleMs: 0.02,
  },
  {
    label: '100 WebSockets with 100 messages a second of 0.2 ms each',
    of: 'messages',
    connections: 100,
    sending: { everyMs: 10 },
    handleMs: 0.2,
  },
];

const busyMs = 1000;
const limitMs = 30_000;
// Requests that reach a handler after their connection was closed have done so by then.
const settleMs = 100;

export async function benchBusyClients({ quick, progress }: Context): Promise<BenchmarkResult> {
  const rounds = quick ? 1 : 3;
  const figures: Figure[] = [];
  for (const load of loads) {
    progress(load.label);
    const revocations: Revocation[] = [];
    while (revocations.length < rounds) revocations.push(await Bench.run((bench) => measure(bench, load)));
    figures.push(...figuresOf(load, revocations));
  }
  return {
    name: 'busy-clients',
    title: 'From revocation to the last request of a client that keeps the server busy',
    figures,
    notes: [
      `All connections of a load use one certificate, and send for ${busyMs / 1000} s before it is revoked. Times are from the rename of the CRL until the handler has finished the last request or message, the worst of ${rounds} runs.`,
      '“After the commit” counts the requests and messages that reached a handler while the CRL that lists their client was in force.',
      'The time of the last close is taken in the process of the clients, which is as busy as the server.',
    ],
  };
}

async function measure(bench: Bench, { connections, sending, handleMs, of }: Load): Promise<Revocation> {
  const { material } = bench;
  const client = bench.own(new Child<ClientCalls>('client'));
  const server = bench.own(new Child<BusyServerCalls>('busy-server'));
  const live = material.livePath('crl.pem');
  copyFileSync(material.writeCrl({ name: 'empty.pem', entries: 0 }), live);
  const port = await server.call('listen', material.serverFiles(live), handleMs);
  const list = material.writeCrl({ name: 'staged.pem', entries: 1, also: [material.revoked] });
  const target = { port, credentials: material.credentialsOf(material.revoked) };
  await client.call('openBusy', target, connections, sending);
  await client.call('beginBusy');
  await sleep(busyMs);
  const renamedAt = material.publish(list, live);
  const closedAt = await client.call('busyAreClosed', limitMs);
  await sleep(settleMs);
  const { count, afterCommit, firstAt, lastAt } = await server.call('handled');
  if (count === 0 || firstAt > renamedAt) throw new Error(`no ${of} are handled before the revocation`);
  return {
    lastHandledMs: Math.max(0, lastAt - renamedAt),
    afterCommit,
    closedMs: closedAt - renamedAt,
    handledPerSecond: (count * 1000) / (lastAt - firstAt),
  };
}

function figuresOf({ label, of }: Load, revocations: readonly Revocation[]): Figure[] {
  const worst = (figure: keyof Revocation): number => Math.max(...revocations.map((each) => each[figure]));
  return [
    { label: `${label}: the last of the ${of}`, value: worst('lastHandledMs'), unit: 'ms', atMost: 1000 },
    { label: `${label}: ${of} after the commit`, value: worst('afterCommit'), unit: '', atMost: 0 },
    { label: `${label}: the last connection closed`, value: worst('closedMs'), unit: 'ms' },
    {
      label: `${label}: ${of} handled before`,
      value: median(revocations.map(({ handledPerSecond }) => handledPerSecond)),
      unit: '/s',
    },
  ];
}
