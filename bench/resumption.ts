/**
 * Benchmark 1, continued: the cost of a resumed session, which is checked like a new one.
 *
 * @module
 */
import type { ClientCalls } from './programs/client.js';
import { Child } from './harness/child.js';
import { Bench, type Context, million } from './harness/context.js';
import { type HandshakeCost, measureHandshakes, startSubject, warmUp } from './harness/handshake-subject.js';
import type { BenchmarkResult } from './harness/results.js';
import { measureInRounds } from './harness/rounds.js';
import { median, medianRatio } from './harness/statistics.js';

export async function benchResumption(context: Context): Promise<BenchmarkResult> {
  return await Bench.run((bench) => measure(bench, context));
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<BenchmarkResult> {
  const client = bench.own(new Child<ClientCalls>('client'));
  const crl = bench.material.writeCrl({
    name: 'million.pem',
    entries: million,
    also: [bench.material.revoked],
  });
  const subject = await startSubject(bench, client, { server: 'express-mtls', entries: million, crl });
  await warmUp(client, subject, { handshakes: 300, budgetMs: 0 });
  await measureHandshakes(client, subject, { count: 300, resume: true });
  progress('full and resumed handshakes in turn');
  const costs = await measureInRounds(['full', 'resumed'] as const, quick ? 4 : 16, (kind) =>
    measureHandshakes(client, subject, { count: 80, resume: kind === 'resumed' }),
  );
  const cpuOf = (kind: 'full' | 'resumed'): number[] =>
    (costs.get(kind) as HandshakeCost[]).map(({ cpuMs }) => cpuMs);
  return {
    name: 'resumption',
    title: 'Server CPU of a resumed session, with a million entries',
    figures: [
      {
        label: 'resumed against full handshake',
        value: medianRatio(cpuOf('resumed'), cpuOf('full')),
        unit: '×',
      },
      { label: 'full handshake: CPU', value: median(cpuOf('full')), unit: 'ms' },
      { label: 'resumed handshake: CPU', value: median(cpuOf('resumed')), unit: 'ms' },
    ],
    notes: [
      'TLS 1.3 with session tickets; a resumed session is judged by trust, dates and CRL like a new one.',
    ],
  };
}
