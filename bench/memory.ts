/**
 * Benchmark 3: the memory for a million entries, at rest and while loading.
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
import { median } from './harness/statistics.js';

const megabyte = 1e6;

export async function benchMemory(context: Context): Promise<BenchmarkResult> {
  return await Bench.run((bench) => measure(bench, context));
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<BenchmarkResult> {
  const rounds = quick ? 1 : 3;
  const resident = await measureResident(bench, quick ? 2 : 4, progress);
  const peaks: Figure[] = [];
  for (const format of ['der', 'pem'] as const) {
    progress(`the peak while ${format.toUpperCase()} is loaded`);
    // Oldest first.
    const lists = [1000, million, million].map((entries, index) =>
      bench.material.writeCrl({ name: `peak-${index}.${format}`, entries, format }),
    );
    const runs: Peaks[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await measurePeaks(bench, lists, format));
    peaks.push(...peakFigures(runs, format.toUpperCase(), sizeOf(lists[1] as string)));
  }
  const native = await measureNative(bench);
  return {
    name: 'memory',
    title: 'Memory for a million entries with serial numbers of 128 bits',
    figures: [...resident, ...peaks, native],
    notes: [
      'Resident: what the process has more after collecting garbage with a million entries than with a thousand, by /proc/PID/status. The index is shared memory, which process.memoryUsage() does not count as arrayBuffers.',
      'Peak: the most that was resident while the list was loaded (VmHWM), less what was before.',
    ],
  };
}

/** A small and a large CRL in turn, in one process that has loaded both before. */
async function measureResident(
  bench: Bench,
  cycles: number,
  progress: Context['progress'],
): Promise<Figure[]> {
  const { material } = bench;
  const server = bench.own(new Child<ServerCalls>('server', ['--expose-gc']));
  const live = material.livePath('resident.der');
  const load = async (entries: number): Promise<{ resident: number; counted: number }> => {
    material.publish(material.writeCrl({ name: 'staged', entries, format: 'der' }), live);
    await server.call('reload');
    const usage = await server.call('settledMemory');
    return {
      resident: memoryOf(server.pid).resident,
      counted: usage.arrayBuffers + usage.external + usage.heapUsed,
    };
  };
  copyFileSync(material.writeCrl({ name: 'staged', entries: 1000, format: 'der' }), live);
  await server.call('listen', { kind: 'express-mtls', files: material.serverFiles(live), watch: false });
  await load(million);
  const perEntry: { resident: number; counted: number }[] = [];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    progress(`resident memory, cycle ${cycle} of ${cycles}`);
    const small = await load(1000);
    const large = await load(million);
    perEntry.push({
      resident: (large.resident - small.resident) / million,
      counted: (large.counted - small.counted) / million,
    });
  }
  await bench.stopAll();
  return [
    {
      label: 'resident for each entry',
      value: median(perEntry.map(({ resident }) => resident)),
      unit: 'B',
      atMost: 24,
    },
    {
      label: 'of that in heap, external and arrayBuffers of the main thread',
      value: median(perEntry.map(({ counted }) => counted)),
      unit: 'B',
    },
  ];
}

/** In bytes above the previous resident memory. */
interface Peaks {
  readonly first: number;
  readonly next: number;
}

async function measurePeaks(bench: Bench, lists: readonly string[], format: CrlFormat): Promise<Peaks> {
  const { material } = bench;
  const server = bench.own(new Child<ServerCalls>('server', ['--expose-gc']));
  const live = material.livePath(`peak.${format}`);
  copyFileSync(lists[0] as string, live);
  await server.call('listen', { kind: 'express-mtls', files: material.serverFiles(live), watch: false });
  const peakOf = async (list: string): Promise<number> => {
    copyFileSync(list, live);
    await server.call('settledMemory');
    forgetPeak(server.pid);
    const before = memoryOf(server.pid).resident;
    await server.call('reload');
    return memoryOf(server.pid).peak - before;
  };
  const first = await peakOf(lists[1] as string);
  const next = await peakOf(lists[2] as string);
  await bench.stopAll();
  return { first, next };
}

function peakFigures(runs: readonly Peaks[], format: string, fileSize: number): Figure[] {
  const first = median(runs.map((run) => run.first));
  const next = median(runs.map((run) => run.next));
  return [
    {
      label: `peak while the first million is loaded, ${format}, against its file`,
      value: first / fileSize,
      unit: '×',
      atMost: 4,
    },
    {
      label: `peak while the next million is loaded, ${format}, against its file`,
      value: next / fileSize,
      unit: '×',
      atMost: 4,
    },
    { label: `the file, ${format}`, value: fileSize / megabyte, unit: 'MB' },
    {
      label: `peak, ${format}, first and next alike at most`,
      value: Math.max(first, next) / megabyte,
      unit: 'MB',
    },
  ];
}

/** The memory that Node's own check uses for the same CRL. */
async function measureNative(bench: Bench): Promise<Figure> {
  const { material } = bench;
  const server = bench.own(new Child<ServerCalls>('server', ['--expose-gc']));
  const small = material.writeCrl({ name: 'native-small.pem', entries: 1000 });
  const large = material.writeCrl({ name: 'native.pem', entries: million });
  await server.call('listen', { kind: 'native', files: material.serverFiles(small) });
  await server.call('settledMemory');
  const before = memoryOf(server.pid).resident;
  await server.call('swapContext', large);
  await server.call('settledMemory');
  const perEntry = (memoryOf(server.pid).resident - before) / million;
  return { label: 'Node native: resident for each entry', value: perEntry, unit: 'B' };
}
