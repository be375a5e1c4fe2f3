/**
 * Benchmark 1, continued: the cost of verifying the certification path of a new client.
 *
 * @module
 */
import type { ClientCalls } from './programs/client.js';
import type { Authorities, Bound, Intermediates, JudgeCalls } from './programs/judge.js';
import type { ServerCalls, ServerKind } from './programs/server.js';
import { Child } from './harness/child.js';
import { Bench, type Context } from './harness/context.js';
import type { ClientCredentials } from './harness/material.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { measureInRounds } from './harness/rounds.js';
import { median, medianRatio } from './harness/statistics.js';

const kinds = ['express-mtls', 'native'] as const satisfies readonly ServerKind[];

export async function benchPaths(context: Context): Promise<BenchmarkResult> {
  const handshakes = await Bench.run((bench) => measureHandshakes(bench, context));
  const judgements = await Bench.run((bench) => measureJudgements(bench, context));
  return {
    name: 'paths',
    title: 'The path of a client that was not seen before',
    figures: [...handshakes, ...judgements],
    notes: [
      'Handshakes: TLS 1.3, P-256, no CRL, each with another certificate; node:https with requestCert and rejectUnauthorized, both servers in turn. One may take 1.10 × the CPU, or 120 µs more, whichever is larger.',
      'Judgements: in process, P-256, each of a certificate that was read and never judged before; CPU, medians.',
      'Intermediates that came with an admitted client are remembered, and so are their signatures: those that were never seen before are three signatures and two keys.',
      'A stranger’s certificate has the name of the CAs and a signature by none of them, and OpenSSL does not trust it. A client that no path admits has no clientAuth.',
      'At the bound: 100 name constraints by 245 names of one kind, and 1,980 nodes of the policy graph.',
    ],
  };
}

async function measureHandshakes(bench: Bench, { quick, progress }: Context): Promise<Figure[]> {
  const plan = quick
    ? { pairs: 2, warmUp: 500, rounds: 6, each: 50 }
    : { pairs: 4, warmUp: 1500, rounds: 16, each: 50 };
  progress('making certificates');
  const clients = makeClients(bench, plan.warmUp + plan.rounds * plan.each);
  const ratios: number[] = [];
  const bases: number[] = [];
  const extras: number[] = [];
  for (let pair = 1; pair <= plan.pairs; pair++) {
    progress(`handshakes, processes ${pair} of ${plan.pairs}`);
    // The process that starts first is cheaper by one or two percent.
    const costs = await costsOfPair(bench, pair % 2 === 0 ? kinds : kinds.toReversed(), clients, plan);
    const [ours, native] = kinds.map((kind) => costs.get(kind) as number[]) as [number[], number[]];
    ratios.push(medianRatio(ours, native));
    bases.push(median(native));
    extras.push(median(ours.map((cost, round) => cost - (native[round] as number))));
  }
  const base = median(bases);
  return [
    {
      label: 'CPU of a first handshake',
      value: median(ratios),
      unit: '×',
      atMost: Math.max(1.1, 1 + 0.12 / base),
    },
    { label: 'CPU of a first handshake, more', value: median(extras) * 1000, unit: 'µs' },
    { label: 'CPU of a handshake of node:https', value: base, unit: 'ms' },
  ];
}

/** Certificates with one key, each with a new signature of the CA to verify. */
function makeClients(bench: Bench, count: number): ClientCredentials[] {
  const { root, client } = bench.material;
  const { privateKey } = client;
  return Array.from({ length: count }, (_, index) =>
    bench.material.credentialsOf(root.client({ commonName: `client${index}`, privateKey })),
  );
}

/** The milliseconds per handshake in each round, for one server of each kind. No server sees a client twice. */
async function costsOfPair(
  bench: Bench,
  order: readonly ServerKind[],
  clients: readonly ClientCredentials[],
  { warmUp, rounds, each }: { readonly warmUp: number; readonly rounds: number; readonly each: number },
): Promise<Map<ServerKind, number[]>> {
  const client = bench.own(new Child<ClientCalls>('client'));
  const subjects = new Map<ServerKind, (count: number) => Promise<number>>();
  for (const kind of order) subjects.set(kind, await startServer(bench, client, kind, clients));
  const measure = async (kind: ServerKind, count: number): Promise<number> =>
    (await subjects.get(kind)?.(count)) ?? NaN;
  for (const kind of order) await measure(kind, warmUp);
  const costs = await measureInRounds(order, rounds, async (kind) => await measure(kind, each));
  await bench.stopAll();
  return costs;
}

/**
 * Starts a server. Returns a function that connects the next clients and returns the CPU time per client in
 * milliseconds.
 */
async function startServer(
  bench: Bench,
  client: Child<ClientCalls>,
  kind: ServerKind,
  clients: readonly ClientCredentials[],
): Promise<(count: number) => Promise<number>> {
  const server = bench.own(new Child<ServerCalls>('server'));
  const { port } = await server.call('listen', { kind, files: bench.material.serverFiles() });
  let next = 0;
  return async (count) => {
    const those = clients.slice(next, (next += count));
    const before = await server.call('cpu');
    await client.call('makeHandshakesAs', { port, clients: those, parallel: 4 });
    const used = (await server.call('cpu')) - before;
    const admitted = await server.call('admitted');
    if (admitted !== next) throw new Error(`${kind} admitted ${admitted} of ${next}`);
    return used / count;
  };
}

async function measureJudgements(bench: Bench, { quick, progress }: Context): Promise<Figure[]> {
  const judge = (): Child<JudgeCalls> => bench.own(new Child<JudgeCalls>('judge'));
  const figures: Figure[] = [];
  for (const from of ['configured', 'sent', 'sent, never seen before'] as const satisfies Intermediates[]) {
    progress(`two intermediates, ${from}`);
    const times = await judge().call('judgeBelowIntermediates', from, quick ? 100 : 1000, quick ? 100 : 1000);
    const goal = from === 'sent, never seen before' ? {} : { atMost: 250 };
    figures.push({ label: `two intermediates, ${from}`, value: median(times), unit: 'µs', ...goal });
  }
  progress('known clients');
  const known = await judge().call('judgeKnown', quick ? 20 : 200);
  figures.push(
    { label: 'signatures of a known client', value: known.signatures, unit: '', atMost: 0 },
    { label: 'a known client', value: median(known.times), unit: 'µs', atMost: 5 },
  );
  for (const kind of authorities) {
    progress(kind);
    const { loadMs, times } = await judge().call('judgeAmong', kind, quick ? 10 : 60);
    for (const [client, of] of times)
      figures.push({ label: `${kind}: ${client}`, value: median(of) / 1000, unit: 'ms', atMost: 5 });
    figures.push({ label: `${kind}: loading them`, value: loadMs, unit: 'ms' });
  }
  for (const bound of bounds) {
    progress(`at the bound: ${bound}`);
    const times = await judge().call('judgeAtBound', bound, quick ? 20 : 60);
    figures.push({ label: `at the bound: ${bound}`, value: median(times) / 1000, unit: 'ms', atMost: 5 });
  }
  await bench.stopAll();
  return figures;
}

const authorities: readonly Authorities[] = [
  '100 CAs with key identifiers',
  '100 CAs without',
  '100 CAs, each certifies the next',
  '40 CAs, each certifies all',
];

const bounds: readonly Bound[] = ['dns', 'email', 'uri', 'ip', 'directoryName', 'policies'];
