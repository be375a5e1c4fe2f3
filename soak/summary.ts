/**
 * Computes the figures from all observations.
 *
 * @module
 */
import { machineTime } from '../bench/harness/clock.js';
import { percentile } from '../bench/harness/statistics.js';
import { describeHost } from '../bench/machine.js';
import { slopeFromSeconds, warmUpSeconds } from './plan.js';
import type { LatenessFigures, MemoryFigures, SoakResult } from './result.js';
import type { Checker } from './truth/checker.js';
import { type MemorySample, slopeOf } from './truth/memory-slope.js';
import type { Lateness } from './truth/standing.js';

/** The raw results of a run. */
export interface RunEvidence extends Pick<
  SoakResult,
  'seconds' | 'changes' | 'overloads' | 'skippedKinds' | 'server' | 'left' | 'exit'
> {
  /** `machineTime()`. */
  readonly begun: number;
  readonly checker: Checker;
  readonly samples: readonly MemorySample[];
}

/** The figures of a run. */
export function summarizeRun({ begun, checker, samples, ...evidence }: RunEvidence): SoakResult {
  return {
    measuredAt: new Date().toISOString(),
    machine: describeHost(),
    ...evidence,
    counts: checker.counts,
    lateness: latenessFigures(checker.lateness(machineTime())),
    serverCertificates: checker.serverSerials.size,
    memory: memoryFigures(samples, begun, evidence.seconds),
    standingFaults: faultFigures(samples, begun, evidence.seconds),
    seen: checker.failures,
  };
}

// The first fault is delayed at random, and is read at the next poll.
const firstFaultMs = 3000;

function faultFigures(
  samples: readonly MemorySample[],
  begun: number,
  seconds: number,
): SoakResult['standingFaults'] {
  const [from, to] = [begun + firstFaultMs, begun + seconds * 1000];
  const during = samples.filter(({ at }) => at >= from && at <= to);
  return { samples: during.length, without: during.filter(({ faults }) => faults === 0).length };
}

function latenessFigures(all: readonly Lateness[]): LatenessFigures[] {
  return (['revoked', 'expired', 'CA removed'] as const).flatMap((cause) => {
    const these = all.filter((lateness) => lateness.cause === cause);
    if (these.length === 0) return [];
    const ways = [...new Set(these.map(({ way }) => way))].sort();
    // With a single way, a total adds nothing.
    const parts =
      ways.length < 2 ? [] : ways.map((way) => ({ way, of: these.filter((each) => each.way === way) }));
    return [
      { cause, ...figuresOf(these) },
      ...parts.map(({ way, of }) => ({ cause, way, ...figuresOf(of) })),
    ];
  });
}

function figuresOf(all: readonly Lateness[]): Omit<LatenessFigures, 'cause' | 'way'> {
  const figures = (of: 'answeredAfter' | 'closedAfter'): { p99: number; max: number } => {
    const values = all.map((lateness) => lateness[of]);
    return { p99: Math.round(percentile(values, 0.99)), max: Math.round(Math.max(...values)) };
  };
  return {
    clients: all.length,
    answeredAfter: figures('answeredAfter'),
    closedAfter: figures('closedAfter'),
  };
}

function memoryFigures(samples: readonly MemorySample[], begun: number, seconds: number): MemoryFigures {
  const warmUp = warmUpSeconds(seconds);
  const from = begun + warmUp * 1000;
  const inMegabytes = samples.map(({ at, resident }) => ({ at, megabytes: Math.round(resident / 1e5) / 10 }));
  const resident = inMegabytes.map(({ megabytes }) => megabytes);
  return {
    ...slopeOf(samples, from),
    countedMegabytesAMinute: slopeOf(samples, from, 'counted').megabytesAMinute,
    warmUpSeconds: warmUp,
    isAsserted: seconds >= slopeFromSeconds,
    warm: inMegabytes.find(({ at }) => at >= from)?.megabytes ?? 0,
    last: resident.at(-1) ?? 0,
    peak: Math.max(0, ...resident),
    resident,
  };
}
