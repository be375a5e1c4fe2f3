/**
 * Benchmark 4: the cost of a request on an open connection.
 *
 * @module
 */
import type { ClientCalls } from './programs/client.js';
import type { AppName } from './programs/apps.js';
import type { ServerCalls, ServerKind } from './programs/server.js';
import { Child } from './harness/child.js';
import { Bench, type Context, million } from './harness/context.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { measureInRounds } from './harness/rounds.js';
import { median, medianRatio } from './harness/statistics.js';

interface Subject {
  readonly kind: ServerKind;
  readonly app: AppName;
}

const subjects = {
  bare: { kind: 'native', app: 'bare' },
  bareAgain: { kind: 'native', app: 'bare' },
  layers: { kind: 'native', app: 'layers' },
  tutorial: { kind: 'native', app: 'tutorial' },
  ours: { kind: 'express-mtls', app: 'bare' },
  oursGuarded: { kind: 'express-mtls', app: 'guarded' },
} as const satisfies Readonly<Record<string, Subject>>;

type SubjectName = keyof typeof subjects;
const names = Object.keys(subjects) as SubjectName[];

/** The CPU time of a request in milliseconds, one value per set of connections. */
type Costs = Record<SubjectName, number[]>;

const connections = 8;
const roundsOfSet = 6;
const requestsOfRound = 200;

export async function benchRequestCost(context: Context): Promise<BenchmarkResult> {
  const costs = await Bench.run((bench) => measure(bench, context));
  const ratio = (label: string, name: SubjectName, base: SubjectName = 'bare'): Figure => ({
    label,
    value: medianRatio(costs[name], costs[base]),
    unit: '×',
  });
  const cost = (label: string, name: SubjectName): Figure => ({
    label: `${label}: CPU`,
    value: median(costs[name]) * 1000,
    unit: 'µs',
  });
  const figures: Figure[] = [
    { ...ratio('clientIdentity() and requireClient() against bare Express', 'oursGuarded'), atMost: 1.03 },
    ratio('getPeerCertificate() in each request against bare Express', 'tutorial'),
    ratio('two middlewares that do nothing against bare Express', 'layers'),
    ratio('bare Express against itself, which tells how exact this is', 'bareAgain'),
    ratio('createServer() without a middleware against bare Express', 'ours'),
    ratio('clientIdentity() and requireClient() against createServer() without', 'oursGuarded', 'ours'),
    cost('bare Express', 'bare'),
    cost('with clientIdentity() and requireClient({ commonName })', 'oursGuarded'),
    cost('with getPeerCertificate().subject.CN', 'tutorial'),
  ];
  return {
    name: 'request',
    title: 'Server CPU of a request on an open connection',
    figures,
    notes: [
      'The bare server is https.createServer() with requestCert and one Express route, which sends the same eight bytes. Ours has a CRL of a million entries.',
      'createServer() of this package makes requests and responses with the prototypes that the Express app would give them afterwards. On Node 20 and 22 that saves more than the gate and the middleware cost; Node 24 and later have less to save.',
      'All of them listen in one process, whose CPU is read before and after each round: two processes of the same program differ by five percent and more, and so do two sets of connections to one server. Each ratio is the median over sets of connections, in several processes.',
    ],
  };
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<Costs> {
  const processes = quick ? 1 : 4;
  const sets = quick ? 4 : 12;
  const crl = bench.material.writeCrl({
    name: 'million.pem',
    entries: million,
    also: [bench.material.revoked],
  });
  const costs = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Costs;
  for (let process = 1; process <= processes; process++) {
    progress(`requests, process ${process} of ${processes}`);
    const cast = await start(bench, crl);
    // In turn, so that V8 does not optimize for one of them.
    for (let turn = 0; turn < 10; turn++)
      for (const name of names) await cast.client.call('makeRequests', cast.ports[name], quick ? 300 : 1500);
    for (let set = 0; set < sets; set++) {
      // A different one opens first each time.
      const order = set % 2 === 0 ? names : names.toReversed();
      for (const name of order) await reopen(cast, name);
      const measured = await measureInRounds(order, roundsOfSet, (name) => costOf(cast, name));
      for (const [name, values] of measured) costs[name].push(median(values));
    }
    await bench.stopAll();
  }
  return costs;
}

interface Cast {
  readonly bench: Bench;
  readonly server: Child<ServerCalls>;
  readonly client: Child<ClientCalls>;
  readonly ports: Record<SubjectName, number>;
}

/** A process in which all of them listen, and another with connections to them. */
async function start(bench: Bench, crl: string): Promise<Cast> {
  const { material } = bench;
  const client = bench.own(new Child<ClientCalls>('client'));
  const server = bench.own(new Child<ServerCalls>('server'));
  const ports = Object.fromEntries(names.map((name) => [name, 0])) as Cast['ports'];
  const cast: Cast = { bench, server, client, ports };
  for (const name of names) {
    const { kind, app } = subjects[name];
    const files = material.serverFiles(kind === 'native' ? undefined : crl);
    ({ port: ports[name] } = await server.call('listen', { kind, files, app }));
    await open(cast, name);
  }
  return cast;
}

async function open({ bench: { material }, client, ports }: Cast, name: SubjectName): Promise<void> {
  const target = { port: ports[name], credentials: material.credentialsOf(material.client) };
  await client.call('openLoad', target, connections);
}

/** Replaces the open connections with new ones, and sends a few requests on each. */
async function reopen(cast: Cast, name: SubjectName): Promise<void> {
  await cast.client.call('stopLoad', cast.ports[name]);
  await open(cast, name);
  await cast.client.call('makeRequests', cast.ports[name], requestsOfRound / 2);
}

/** The CPU time of the server process per request, in milliseconds. */
async function costOf({ server, client, ports }: Cast, name: SubjectName): Promise<number> {
  const before = await server.call('cpu');
  await client.call('makeRequests', ports[name], requestsOfRound);
  return ((await server.call('cpu')) - before) / requestsOfRound;
}
