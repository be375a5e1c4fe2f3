/**
 * Benchmark 4, continued: the cost of a request that comes through a proxy.
 *
 * @module
 */
import type { ClientCalls } from './programs/client.js';
import type { ServerCalls, ServerKind } from './programs/server.js';
import { Child } from './harness/child.js';
import { Bench, type Context } from './harness/context.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { measureInRounds } from './harness/rounds.js';
import { median } from './harness/statistics.js';

/** What serves a request, and how the certificate of the client arrives. */
interface Subject {
  readonly kind: ServerKind;
  /** Whether requests have the header with a certificate. Without `proxies`, the server ignores it. */
  readonly hasHeader: boolean;
}

const subjects = {
  direct: { kind: 'express-mtls', hasHeader: false },
  directWithHeader: { kind: 'express-mtls', hasHeader: true },
  forwarded: { kind: 'behind-proxy', hasHeader: true },
} as const satisfies Readonly<Record<string, Subject>>;

type SubjectName = keyof typeof subjects;
const names = Object.keys(subjects) as SubjectName[];

const connections = 8;
const roundsOfSet = 6;
const requestsOfRound = 300;
const firstRequestsOfRound = 100;

/** Costs in microseconds of CPU, one value per set of connections. */
interface Costs {
  readonly known: Record<SubjectName, number[]>;
  /** The first request of a client, without what a later one of the same round costs. */
  readonly first: number[];
}

export async function benchForwarded(context: Context): Promise<BenchmarkResult> {
  const { known, first } = await Bench.run((bench) => measure(bench, context));
  const more = (label: string, name: SubjectName, base: SubjectName, goal?: number): Figure => ({
    label,
    value: median(known[name].map((cost, set) => cost - (known[base][set] as number))),
    unit: 'µs',
    ...(goal === undefined ? {} : { atMost: goal }),
  });
  return {
    name: 'forwarded',
    title: 'Server CPU of a request through a proxy',
    figures: [
      more('a known client against one that is connected directly, more', 'forwarded', 'direct', 3),
      more('of which TLS and node:http take to receive the header', 'directWithHeader', 'direct'),
      more('of which this package takes', 'forwarded', 'directWithHeader'),
      {
        label: 'the first request of a client, more than a later one',
        value: median(first),
        unit: 'µs',
        atMost: 300,
      },
      { label: 'a request of a client that is connected directly', value: median(known.direct), unit: 'µs' },
    ],
    notes: [
      'Express with clientIdentity() and requireClient({ commonName }). The proxy has a certificate of its own and keeps its connections; it sends each client’s certificate (P-256) in the form of nginx.',
      'The second figure is of a server without proxies, which ignores the header.',
      'All servers listen in one process and are measured alternately; each figure is the median over sets of connections.',
      'A first request: the certificate is decoded, parsed and judged, which includes one signature; its identity is read.',
    ],
  };
}

interface Cast {
  readonly bench: Bench;
  readonly server: Child<ServerCalls>;
  readonly client: Child<ClientCalls>;
  readonly ports: Record<SubjectName, number>;
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<Costs> {
  const processes = quick ? 1 : 4;
  const sets = quick ? 6 : 12;
  const warmUp = quick ? 500 : 1500;
  const costs: Costs = { known: { direct: [], directWithHeader: [], forwarded: [] }, first: [] };
  progress('making certificates');
  const { privateKey } = bench.material.client;
  const strangers = Array.from(
    { length: warmUp + sets * firstRequestsOfRound },
    () => bench.material.root.client({ commonName: 'client1', privateKey }).pem,
  );
  for (let process = 1; process <= processes; process++) {
    progress(`requests, process ${process} of ${processes}`);
    const cast = await start(bench);
    const left = [...strangers];
    for (let turn = 0; turn < 10; turn++)
      for (const name of names) await cast.client.call('makeRequests', cast.ports[name], warmUp);
    await forward(cast, left.splice(0, warmUp));
    for (let set = 0; set < sets; set++) {
      const order = set % 2 === 0 ? names : names.toReversed();
      for (const name of order) await reopen(cast, name);
      const measured = await measureInRounds(order, roundsOfSet, (name) => costOf(cast, name));
      for (const [name, values] of measured) costs.known[name].push(median(values));
      const first = await cpuOf(cast, () => forward(cast, left.splice(0, firstRequestsOfRound)));
      costs.first.push(first / firstRequestsOfRound - (costs.known.forwarded.at(-1) as number));
    }
    await bench.stopAll();
  }
  return costs;
}

/** A process in which all of them listen, and another with connections to them. */
async function start(bench: Bench): Promise<Cast> {
  const { material } = bench;
  const crl = material.writeCrl({ name: 'thousands.pem', entries: 10_000, also: [material.revoked] });
  const client = bench.own(new Child<ClientCalls>('client'));
  const server = bench.own(new Child<ServerCalls>('server'));
  const cast: Cast = { bench, server, client, ports: { direct: 0, directWithHeader: 0, forwarded: 0 } };
  for (const name of names) {
    const plan = { kind: subjects[name].kind, files: material.serverFiles(crl), app: 'guarded' } as const;
    ({ port: cast.ports[name] } = await server.call('listen', plan));
    await open(cast, name);
  }
  return cast;
}

async function open({ bench: { material }, client, ports }: Cast, name: SubjectName): Promise<void> {
  const { kind, hasHeader } = subjects[name];
  const own = material.credentialsOf(material.client);
  const credentials = kind === 'behind-proxy' ? material.credentialsOf(material.proxy) : own;
  const target = { port: ports[name], credentials, ...(hasHeader ? { forwarded: own.cert } : {}) };
  await client.call('openLoad', target, connections);
}

/** Replaces the open connections with new ones, and sends a few requests on each. */
async function reopen(cast: Cast, name: SubjectName): Promise<void> {
  await cast.client.call('stopLoad', cast.ports[name]);
  await open(cast, name);
  await cast.client.call('makeRequests', cast.ports[name], requestsOfRound / 2);
}

async function forward({ client, ports }: Cast, certificates: readonly string[]): Promise<void> {
  await client.call('forwardCertificates', ports.forwarded, certificates);
}

async function costOf(cast: Cast, name: SubjectName): Promise<number> {
  const { client, ports } = cast;
  return (
    (await cpuOf(cast, () => client.call('makeRequests', ports[name], requestsOfRound))) / requestsOfRound
  );
}

/** The CPU time of the server process meanwhile, in microseconds. */
async function cpuOf({ server }: Cast, work: () => Promise<void>): Promise<number> {
  const before = await server.call('cpu');
  await work();
  return ((await server.call('cpu')) - before) * 1000;
}
