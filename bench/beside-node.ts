/**
 * Benchmark 1, continued: the additional cost of this package for a handshake, an open connection and a stranger's
 * attempts, compared with node:https with requestCert and rejectUnauthorized.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { selfSigned, ca } from '../test/support/chain.js';
import type { ClientCalls } from './programs/client.js';
import type { ServerCalls, ServerKind } from './programs/server.js';
import { Child } from './harness/child.js';
import { Bench, type Context } from './harness/context.js';
import { type HandshakeSubject, measureHandshakes, startSubject } from './harness/handshake-subject.js';
import type { ClientCredentials } from './harness/material.js';
import { memoryOf } from './harness/process-figures.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { measureInRounds } from './harness/rounds.js';
import { median, medianRatio, percentile } from './harness/statistics.js';

const kinds = ['express-mtls', 'native'] as const satisfies readonly ServerKind[];

export async function benchBesideNode(context: Context): Promise<BenchmarkResult> {
  const handshake = await Bench.run((bench) => measureKnownClient(bench, context));
  const idle = await Bench.run((bench) => measureIdle(bench, context));
  const strangers = await Bench.run((bench) => measureStrangers(bench, context));
  return {
    name: 'beside-node',
    title: 'Beside node:https with requestCert and rejectUnauthorized',
    figures: [...handshake, ...idle, ...strangers],
    notes: [
      `Node ${process.version}. TLS 1.3, P-256, full handshakes, no CRL; both servers in turn, in processes of their own.`,
      'A handshake may take 1.05 × the CPU, or 60 µs more, whichever is larger; a stranger’s 1.3 ×, or 2 ms more.',
      'Resident: what the process has more with the connections open, by /proc/PID/status.',
    ],
  };
}

/** A client that both servers admit and that has connected before. */
async function measureKnownClient(bench: Bench, { quick, progress }: Context): Promise<Figure[]> {
  // Two processes of the same program differ by a few percent, so several pairs are needed to detect one percent.
  const pairs = quick ? 2 : 6;
  const ratios: number[] = [];
  const bases: number[] = [];
  const extras: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    progress(`handshakes, processes ${pair} of ${pairs}`);
    // The process that starts first is cheaper by one or two percent.
    const costs = await costsOfPair(bench, pair % 2 === 0 ? kinds : kinds.toReversed(), quick);
    const [ours, native] = kinds.map((kind) => costs.get(kind) as number[]) as [number[], number[]];
    ratios.push(medianRatio(ours, native));
    bases.push(median(native));
    extras.push(median(ours.map((cost, round) => cost - (native[round] as number))));
  }
  const ratio = median(ratios);
  const base = median(bases);
  return [
    { label: 'CPU of a handshake', value: ratio, unit: '×', atMost: Math.max(1.05, 1 + 0.06 / base) },
    { label: 'CPU of a handshake, more', value: median(extras) * 1000, unit: 'µs' },
    { label: 'CPU of a handshake of node:https', value: base, unit: 'ms' },
  ];
}

/**
 * The milliseconds per handshake in each round, for one server of each kind. The warm-up ends when V8 has finished
 * compiling, which takes about 100 ms on another thread, because long-running servers are of interest.
 */
async function costsOfPair(
  bench: Bench,
  order: readonly (typeof kinds)[number][],
  quick: boolean,
): Promise<Map<ServerKind, number[]>> {
  const client = bench.own(new Child<ClientCalls>('client'));
  const subjects = new Map<ServerKind, HandshakeSubject>();
  for (const server of order)
    subjects.set(server, await startSubject(bench, client, { server, entries: 0, crl: undefined }));
  const measure = async (kind: (typeof kinds)[number], count: number): Promise<number> =>
    (await measureHandshakes(client, subjects.get(kind) as HandshakeSubject, { count })).cpuMs;
  for (const kind of order) await measure(kind, quick ? 500 : 6000);
  const costs = await measureInRounds(order, quick ? 6 : 16, async (kind) => await measure(kind, 100));
  await bench.stopAll();
  return new Map(costs);
}

/** Open connections that send nothing. */
async function measureIdle(bench: Bench, { quick, progress }: Context): Promise<Figure[]> {
  const connections = quick ? 400 : 1000;
  const credentials = bench.material.credentialsOf(bench.material.client);
  const perConnection = new Map<ServerKind, number[]>(kinds.map((kind) => [kind, []]));
  for (let round = 1; round <= (quick ? 1 : 5); round++) {
    progress(`open connections, round ${round}`);
    for (const kind of kinds) {
      const { server, port } = await start(bench, kind);
      const client = bench.own(new Child<ClientCalls>('client'));
      const many = (count: number): ClientCredentials[] => Array.from({ length: count }, () => credentials);
      // Some connections first, because the first client makes the process load code. They stay open, so that their memory
      // is not reused.
      await client.call('holdConnections', port, many(100));
      await server.call('settledMemory');
      const before = memoryOf(server.pid).resident;
      await client.call('holdConnections', port, many(connections));
      // The timers of the handshakes have expired by then.
      await sleep(1500);
      await server.call('settledMemory');
      perConnection.get(kind)?.push((memoryOf(server.pid).resident - before) / connections);
      await bench.stopAll();
    }
  }
  const [ours, native] = kinds.map((kind) => median(perConnection.get(kind) ?? []));
  return [
    {
      label: 'resident for an open, idle connection',
      value: (ours as number) / (native as number),
      unit: '×',
      atMost: 1.05,
    },
    { label: 'resident for an open, idle connection of node:https', value: native as number, unit: 'B' },
  ];
}

interface Stranger {
  readonly name: string;
  readonly credentials: ClientCredentials;
}

/** Clients that neither server admits, with as much data as TLS allows. */
function strangersOf(bench: Bench): Stranger[] {
  const names = { dns: Array.from({ length: 22_000 }, () => 'a') };
  const large = ca({ commonName: 'large', sans: names });
  const deep = Array.from({ length: 99 }).reduce<ReturnType<typeof ca>>(
    (above, _, index) => above.intermediate(`ca${index}`),
    ca('deep'),
  );
  const named = [
    ['a leaf of 90 kB', selfSigned({ sans: names })],
    ['an intermediate of 90 kB', large.client()],
    ['a chain of a hundred', deep.client()],
  ] as const;
  return named.map(([name, certificate]) => {
    const credentials = bench.material.credentialsOf(certificate);
    const chain = certificate.issuer === large ? certificate.pem + large.pem : credentials.cert;
    return { name, credentials: { ...credentials, cert: chain } };
  });
}

async function measureStrangers(bench: Bench, { quick, progress }: Context): Promise<Figure[]> {
  const figures: Figure[] = [];
  const client = bench.own(new Child<ClientCalls>('client'));
  const servers = [];
  for (const kind of kinds) servers.push(await start(bench, kind));
  const strangers = strangersOf(bench);
  const count = quick ? 10 : 20;
  for (const { name, credentials } of strangers) {
    progress(`strangers: ${name}`);
    const attempt = async ({ server, port }: Started): Promise<number> => {
      const before = await server.call('cpu');
      await client.call('makeRefused', { port, credentials, count, parallel: 2 });
      return ((await server.call('cpu')) - before) / count;
    };
    for (const each of servers) await attempt(each);
    const costs = await measureInRounds(servers, quick ? 3 : 16, attempt);
    const [ours, native] = servers.map((each) => costs.get(each) as number[]);
    const base = median(native as number[]);
    figures.push(
      {
        label: `CPU of ${name}`,
        value: medianRatio(ours as number[], native as number[]),
        unit: '×',
        atMost: Math.max(1.3, 1 + 2 / base),
      },
      { label: `CPU of ${name}, node:https`, value: base, unit: 'ms' },
    );
  }
  return [...figures, await measureGoodBesideStrangers(bench, servers, strangers, quick)];
}

/** How long good requests wait while ten strangers reconnect constantly. */
async function measureGoodBesideStrangers(
  bench: Bench,
  servers: readonly Started[],
  strangers: readonly Stranger[],
  quick: boolean,
): Promise<Figure> {
  const attacker = bench.own(new Child<ClientCalls>('client'));
  const good = bench.own(new Child<ClientCalls>('client'));
  const credentials = bench.material.credentialsOf(bench.material.client);
  for (const { port } of servers) await good.call('openLoad', { port, credentials }, 2);
  const { credentials: stranger } = strangers[0] as Stranger;
  const costs = await measureInRounds(servers, quick ? 2 : 6, async ({ port }) => {
    const plan = { port, credentials: stranger, count: quick ? 40 : 100, parallel: 10 };
    const attack = attacker.call('makeRefused', plan);
    const times = await good.call('timeRequests', port, quick ? 100 : 300);
    await attack;
    return percentile(times, 0.99);
  });
  const [ours, native] = servers.map((each) => costs.get(each) as number[]);
  return {
    label: 'p99 of good requests beside ten strangers at once',
    value: medianRatio(ours as number[], native as number[]),
    unit: '×',
    atMost: 1.5,
  };
}

interface Started {
  readonly server: Child<ServerCalls>;
  readonly port: number;
}

async function start(bench: Bench, kind: ServerKind): Promise<Started> {
  const server = bench.own(new Child<ServerCalls>('server', ['--expose-gc']));
  const { port } = await server.call('listen', { kind, files: bench.material.serverFiles(), watch: false });
  return { server, port };
}
