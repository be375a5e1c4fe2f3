/**
 * Benchmark 5, continued: checks 100,000 connections again without blocking the event loop.
 *
 * @module
 */
import { copyFileSync } from 'node:fs';
import type { CrowdCalls } from './programs/crowd.js';
import type { Stalls } from './programs/stall-probe.js';
import { Child } from './harness/child.js';
import { Bench, type Context, million, withCommas } from './harness/context.js';
import type { BenchmarkResult, Figure } from './harness/results.js';
import { median } from './harness/statistics.js';

/** A reload with all of them open. */
interface Judging {
  readonly durationMs: number;
  readonly stalls: Stalls;
}

export async function benchJudging(context: Context): Promise<BenchmarkResult> {
  return await Bench.run((bench) => measure(bench, context));
}

async function measure(bench: Bench, { quick, progress }: Context): Promise<BenchmarkResult> {
  const { material } = bench;
  const certificates = quick ? 1000 : 10_000;
  const each = 10;
  const count = certificates * each;
  progress(`making ${withCommas(certificates)} certificates`);
  const { privateKey } = material.client;
  const made = Array.from({ length: certificates }, () => material.root.client({ privateKey }));
  const lists = {
    small: material.writeCrl({ name: 'small.der', entries: 1000, format: 'der' }),
    none: material.writeCrl({ name: 'none.der', entries: million, format: 'der' }),
    all: material.writeCrl({ name: 'all.der', entries: million, also: made, format: 'der' }),
  };
  const kept: Judging[] = [];
  const ended: Judging[] = [];
  for (let round = 1; round <= (quick ? 1 : 3); round++) {
    progress(`${withCommas(count)} connections, round ${round}`);
    const live = material.livePath('crl.der');
    copyFileSync(lists.small, live);
    const crowd = bench.own(new Child<CrowdCalls>('crowd', ['--expose-gc']));
    const ders = made.map(({ der }) => der);
    const open = await crowd.call('open', material.serverFiles(live), ders, each);
    if (open !== count) throw new Error(`${open} connections were admitted`);
    const reload = async (list: string, evicted: number): Promise<Judging> => {
      copyFileSync(list, live);
      const { report, stalls } = await crowd.call('reload');
      if (report.evicted !== evicted)
        throw new Error(`${report.evicted} connections were ended, not ${evicted}`);
      return { durationMs: report.durationMs, stalls };
    };
    kept.push(await reload(lists.none, 0));
    ended.push(await reload(lists.all, count));
    await bench.stopAll();
  }
  return {
    name: 'judging',
    title: `A reload of a million entries with ${withCommas(count)} open connections`,
    figures: [...figuresOf('no client is revoked', kept), ...figuresOf('all are revoked', ended)],
    notes: [
      `Sockets are stand-ins: objects that answer what node:tls would. ${withCommas(certificates)} certificates with ${each} connections each, the gate, the list and every judgement are real.`,
      'What destroying so many real sockets costs the kernel is not in these figures; the benchmark “eviction” closes real ones.',
    ],
  };
}

function figuresOf(label: string, rounds: readonly Judging[]): Figure[] {
  return [
    {
      label: `${label}: longest stall of the event loop`,
      value: median(rounds.map(({ stalls }) => stalls.monitor)),
      unit: 'ms',
      atMost: 10,
    },
    {
      label: `${label}: the same, worst`,
      value: Math.max(...rounds.map(({ stalls }) => stalls.monitor)),
      unit: 'ms',
    },
    {
      label: `${label}: CPU of the main thread in one turn of the loop, worst`,
      value: Math.max(...rounds.map(({ stalls }) => stalls.cpu)),
      unit: 'ms',
    },
    {
      label: `${label}: the whole reload`,
      value: median(rounds.map(({ durationMs }) => durationMs)),
      unit: 'ms',
    },
  ];
}
