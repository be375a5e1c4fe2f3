/**
 * Benchmark 4, continued: from a certificate that was never seen before to an identity.
 *
 * @module
 */
import type { ReaderCalls } from './programs/reader.js';
import { Child } from './harness/child.js';
import { Bench, type Context } from './harness/context.js';
import type { BenchmarkResult } from './harness/results.js';
import { median, percentile } from './harness/statistics.js';

export async function benchFirstSight(context: Context): Promise<BenchmarkResult> {
  return await Bench.run((bench) => measure(bench, context));
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<BenchmarkResult> {
  const { root, client } = bench.material;
  const runs = quick ? 1 : 3;
  const warmUp = quick ? 300 : 1000;
  const count = quick ? 300 : 2000;
  progress('making certificates');
  const ders = Array.from({ length: warmUp + count }, (_, index) => {
    const commonName = `client${index}`;
    const sans = { dns: [`${commonName}.example`], email: [`${commonName}@example.org`] };
    return root.client({ commonName, organization: 'Example', sans, privateKey: client.privateKey }).der;
  });
  const measured: number[][] = [];
  const first: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const reader = bench.own(new Child<ReaderCalls>('reader'));
    const times = await reader.call('readAll', ders);
    first.push(times[0] as number);
    measured.push(times.slice(warmUp));
    await bench.stopAll();
  }
  return {
    name: 'first-sight',
    title: 'From a certificate never seen before to a frozen identity',
    figures: [
      { label: 'parse and identify', value: median(measured.map(median)), unit: 'µs', atMost: 60 },
      { label: 'p99', value: median(measured.map((times) => percentile(times, 0.99))), unit: 'µs' },
      { label: 'the very first in a process, before anything is compiled', value: median(first), unit: 'µs' },
    ],
    notes: [
      `${count} certificates (P-256, organization, two subjectAltNames), each read once, after ${warmUp} others. The gate remembers what it has read, by fingerprint.`,
    ],
  };
}
