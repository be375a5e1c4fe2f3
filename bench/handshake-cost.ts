/**
 * Benchmark 1: the server cost of a handshake, by the number of entries in the CRL.
 *
 * @module
 */
import type { ClientCalls } from './programs/client.js';
import { Child } from './harness/child.js';
import { Bench, type Context, describeEntries, million } from './harness/context.js';
import {
  type HandshakeCost,
  type HandshakeSubject,
  measureHandshakes,
  type ServerName,
  startSubject,
  warmUp,
} from './harness/handshake-subject.js';
import { otherServers, type OtherServerName, versionOf } from './harness/other-servers.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { measureInRounds } from './harness/rounds.js';
import { median, medianRatio } from './harness/statistics.js';

const serverLabels: Readonly<Record<ServerName, string>> = {
  'express-mtls': 'express-mtls',
  native: 'Node native',
  nginx: 'nginx',
  haproxy: 'HAProxy',
};

export async function benchHandshakeCost(context: Context): Promise<BenchmarkResult> {
  const ratio = await Bench.run((bench) => measureGoal(bench, context));
  const others = (Object.keys(otherServers) as OtherServerName[]).filter(
    (name) => versionOf(name) !== undefined,
  );
  const absent = (Object.keys(otherServers) as OtherServerName[]).filter((name) => !others.includes(name));
  for (const name of absent)
    context.progress(`${serverLabels[name]} is not installed and is left out (Debian package: ${name})`);
  const figures = await Bench.run((bench) =>
    measureAll(bench, context, ['express-mtls', 'native', ...others]),
  );
  return {
    name: 'handshake',
    title: 'Server CPU per handshake, by entries in the CRL',
    figures: [ratio, ...figures],
    notes: [
      'TLS 1.3, P-256 certificates, full handshakes. CPU is of every thread and worker of the server.',
      'Handshakes a second are with one client process that makes four at once: it is the limit where the server is fast.',
      ...absent.map((name) => `${serverLabels[name]} was not installed and is left out.`),
    ],
  };
}

/** Ours with a million entries compared with ours without a CRL, in turn, with several pairs of processes. */
async function measureGoal(bench: Bench, { quick, progress }: Context): Promise<Figure> {
  const pairs = quick ? 1 : 4;
  const rounds = quick ? 6 : 16;
  const crl = bench.material.writeCrl({
    name: 'million.pem',
    entries: million,
    also: [bench.material.revoked],
  });
  const ratios: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    progress(`ours without a CRL and with a million entries, processes ${pair} of ${pairs}`);
    const client = bench.own(new Child<ClientCalls>('client'));
    const bare = await startSubject(bench, client, { server: 'express-mtls', entries: 0, crl: undefined });
    const full = await startSubject(bench, client, { server: 'express-mtls', entries: million, crl });
    for (const subject of [bare, full]) await warmUp(client, subject, { handshakes: 400, budgetMs: 0 });
    const costs = await measureInRounds([bare, full], rounds, (subject) =>
      measureHandshakes(client, subject, { count: quick ? 40 : 80 }),
    );
    ratios.push(medianRatio(cpuOf(costs, full), cpuOf(costs, bare)));
    progress(`ratio ${(ratios.at(-1) as number).toFixed(3)}`);
    await bench.stopAll();
  }
  return {
    label: 'express-mtls: a million entries against no CRL',
    value: median(ratios),
    unit: '×',
    atMost: 1.05,
  };
}

function cpuOf(
  costs: ReadonlyMap<HandshakeSubject, readonly HandshakeCost[]>,
  subject: HandshakeSubject,
): number[] {
  return (costs.get(subject) ?? []).map(({ cpuMs }) => cpuMs);
}

/** Every server with every CRL, all running at the same time and measured in turn. */
async function measureAll(
  bench: Bench,
  { quick, progress }: Context,
  servers: readonly ServerName[],
): Promise<Figure[]> {
  const sizes = quick ? [0, million] : [0, 1000, 10_000, 100_000, million];
  const client = bench.own(new Child<ClientCalls>('client'));
  const subjects: HandshakeSubject[] = [];
  const counts = new Map<HandshakeSubject, number>();
  for (const entries of sizes) {
    const { revoked } = bench.material;
    const crl =
      entries === 0
        ? undefined
        : bench.material.writeCrl({ name: `${entries}.pem`, entries, also: [revoked] });
    for (const server of servers) {
      progress(`starting ${serverLabels[server]} with ${describeEntries(entries)}`);
      const subject = await startSubject(bench, client, { server, entries, crl });
      subjects.push(subject);
      counts.set(subject, await warmUp(client, subject, { handshakes: 300, budgetMs: quick ? 100 : 250 }));
    }
  }
  progress(`measuring ${subjects.length} servers in turn`);
  const costs = await measureInRounds(subjects, quick ? 3 : 8, (subject) =>
    measureHandshakes(client, subject, { count: counts.get(subject) as number }),
  );
  return [...ratioFigures(subjects, costs), ...costFigures(costs)];
}

function ratioFigures(
  subjects: readonly HandshakeSubject[],
  costs: ReadonlyMap<HandshakeSubject, readonly HandshakeCost[]>,
): Figure[] {
  const find = (server: ServerName, entries: number): HandshakeSubject | undefined =>
    subjects.find((subject) => subject.server === server && subject.entries === entries);
  return [...new Set(subjects.map(({ server }) => server))].flatMap((server): Figure[] => {
    const bare = find(server, 0);
    const full = find(server, million);
    if (server === 'express-mtls' || bare === undefined || full === undefined) return [];
    const value = medianRatio(cpuOf(costs, full), cpuOf(costs, bare));
    return [{ label: `${serverLabels[server]}: a million entries against no CRL`, value, unit: '×' }];
  });
}

function costFigures(costs: ReadonlyMap<HandshakeSubject, readonly HandshakeCost[]>): Figure[] {
  return [...costs].flatMap(([{ server, entries }, measured]): Figure[] => {
    const label = `${serverLabels[server]}, ${describeEntries(entries)}`;
    const cpu = median(measured.map(({ cpuMs }) => cpuMs));
    const perSecond = median(measured.map((cost) => cost.perSecond));
    return [
      { label: `${label}: CPU`, value: cpu, unit: 'ms', server: serverLabels[server], entries },
      { label: `${label}: handshakes`, value: perSecond, unit: '/s' },
    ];
  });
}
