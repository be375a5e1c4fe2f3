/**
 * Benchmark 6: ten million entries.
 *
 * @module
 */
import { copyFileSync } from 'node:fs';
import type { ServerCalls } from './programs/server.js';
import { Child } from './harness/child.js';
import { Bench, type Context, million } from './harness/context.js';
import { type CrlFormat, sizeOf } from './harness/material.js';
import { forgetPeak, memoryOf } from './harness/process-figures.js';
import type { BenchmarkResult, Figure } from './harness/results.js';

export async function benchTenMillion({ quick, progress }: Context): Promise<BenchmarkResult> {
  const entries = quick ? 2 * million : 10 * million;
  const figures: Figure[] = [];
  for (const format of ['der', 'pem'] as const) {
    progress(`${entries / million} million entries, ${format.toUpperCase()}`);
    figures.push(...(await Bench.run((bench) => measure(bench, entries, format))));
  }
  return {
    name: 'ten-million',
    title: `${entries / million} million entries, loaded over a thousand`,
    figures,
    notes: ['One reload of each format; `mtls.reload()` without the watch.'],
  };
}

async function measure(bench: Bench, entries: number, format: CrlFormat): Promise<Figure[]> {
  const { material } = bench;
  const server = bench.own(new Child<ServerCalls>('server', ['--expose-gc']));
  const live = material.livePath(`crl.${format}`);
  copyFileSync(material.writeCrl({ name: 'small', entries: 1000, format }), live);
  await server.call('listen', { kind: 'express-mtls', files: material.serverFiles(live), watch: false });
  material.publish(material.writeCrl({ name: 'large', entries, format }), live);
  await server.call('settledMemory');
  forgetPeak(server.pid);
  const before = memoryOf(server.pid).resident;
  await server.call('startProbe');
  const { added, durationMs } = await server.call('reload');
  const { monitor } = await server.call('stopProbe');
  const peak = memoryOf(server.pid).peak - before;
  await server.call('settledMemory');
  const resident = memoryOf(server.pid).resident - before;
  if (added < entries - 1000) throw new Error(`${added} entries were added`);
  const label = format.toUpperCase();
  const size = sizeOf(live);
  const goal = format === 'der' ? { atMost: 2.5 } : {};
  return [
    { label: `${label}: from reading to enforced`, value: durationMs / 1000, unit: 's', ...goal },
    { label: `${label}: longest stall of the event loop`, value: monitor, unit: 'ms' },
    { label: `${label}: resident for each entry`, value: resident / entries, unit: 'B' },
    { label: `${label}: peak against the file`, value: peak / size, unit: '×' },
    { label: `${label}: peak`, value: peak / 1e6, unit: 'MB' },
    { label: `${label}: the file`, value: size / 1e6, unit: 'MB' },
  ];
}
