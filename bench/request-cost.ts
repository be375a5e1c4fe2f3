/**
 * Benchmark 4: what each request on an open connection costs.
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
  readonly app: AppName;
  readonly port: number;
}

const connections = 8;
const kinds: Readonly<Partial<Record<AppName, ServerKind>>> = {
  bare: 'native',
  layers: 'native',
  guarded: 'express-mtls',
  tutorial: 'native',
};
const names = Object.keys(kinds) as AppName[];

export async function benchRequestCost(context: Context): Promise<BenchmarkResult> {
  const costs = await Bench.run((bench) => measure(bench, context));
  const ratio = (app: AppName): number =>
    median(costs.map((process) => medianRatio(process[app], process.bare)));
  const cost = (app: AppName): number => median(costs.flatMap((process) => process[app])) * 1000;
  const figures: Figure[] = [
    {
      label: 'clientIdentity() and requireClient() against bare Express',
      value: ratio('guarded'),
      unit: '×',
      atMost: 1.03,
    },
    {
      label: 'getPeerCertificate() in each request against bare Express',
      value: ratio('tutorial'),
      unit: '×',
    },
    {
      label: 'two middlewares that do nothing against bare Express',
      value: ratio('layers'),
      unit: '×',
    },
    { label: 'bare Express: CPU', value: cost('bare'), unit: 'µs' },
    {
      label: 'with clientIdentity() and requireClient({ commonName }): CPU',
      value: cost('guarded'),
      unit: 'µs',
    },
    { label: 'with getPeerCertificate().subject.CN: CPU', value: cost('tutorial'), unit: 'µs' },
  ];
  return {
    name: 'request',
    title: 'Server CPU of a request on an open connection',
    figures,
    notes: [
      'The bare server is https.createServer() with requestCert and one Express route, which sends the same eight bytes. Ours has a CRL of a million entries.',
      'All of them listen in one process, whose CPU is read before and after each round: two processes of the same program differ by five percent and more. Each ratio is the median over rounds in turn, then over processes.',
    ],
  };
}

/** For each set of processes, the CPU of each round, in milliseconds a request. */
async function measure(bench: Bench, { quick, progress }: Context): Promise<Record<AppName, number[]>[]> {
  const sets = quick ? 1 : 8;
  const rounds = quick ? 6 : 20;
  const count = 400;
  const crl = bench.material.writeCrl({
    name: 'million.pem',
    entries: million,
    also: [bench.material.revoked],
  });
  const costs: Record<AppName, number[]>[] = [];
  for (let set = 1; set <= sets; set++) {
    progress(`requests, process ${set} of ${sets}`);
    const client = bench.own(new Child<ClientCalls>('client'));
    const server = bench.own(new Child<ServerCalls>('server'));
    const subjects: Subject[] = [];
    // Who starts first is another one each time.
    for (const app of set % 2 === 0 ? names : names.toReversed())
      subjects.push({ app, port: await start({ bench, server, client }, app, crl) });
    // In turn, so that none of them is compiled for itself alone.
    for (let turn = 0; turn < 10; turn++)
      for (const { port } of subjects) await client.call('makeRequests', port, quick ? 300 : 1500);
    const measured = await measureInRounds(subjects, rounds, async ({ port }) => {
      const before = await server.call('cpu');
      await client.call('makeRequests', port, count);
      return ((await server.call('cpu')) - before) / count;
    });
    costs.push(
      Object.fromEntries([...measured].map(([{ app }, values]) => [app, values])) as Record<
        AppName,
        number[]
      >,
    );
    await bench.stopAll();
  }
  return costs;
}

interface Cast {
  readonly bench: Bench;
  readonly server: Child<ServerCalls>;
  readonly client: Child<ClientCalls>;
}

/** Has the server listen once more, and resolves to the port. */
async function start(
  { bench: { material }, server, client }: Cast,
  app: AppName,
  crl: string,
): Promise<number> {
  const kind = kinds[app] as ServerKind;
  const files = material.serverFiles(kind === 'native' ? undefined : crl);
  const { port } = await server.call('listen', { kind, files, app });
  await client.call('openLoad', { port, credentials: material.credentialsOf(material.client) }, connections);
  return port;
}
