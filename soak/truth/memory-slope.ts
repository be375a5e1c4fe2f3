/**
 * Whether memory use grows: the best-fitting line through the samples.
 *
 * @module
 */

/** Memory use at one time, in bytes, and the faults that stand. */
export interface MemorySample {
  /** `machineTime()`. */
  readonly at: number;
  readonly resident: number;
  /** The memory that V8 accounts for: its heap, and memory attached to its objects. */
  readonly counted: number;
  /** The smallest number of faults of any server that reads every file. */
  readonly faults: number;
}

export interface MemorySlope {
  readonly megabytesAMinute: number;
  /** The number of samples. */
  readonly samples: number;
}

const megabyte = 1e6;
const minuteMs = 60_000;

/** The least-squares slope of the samples from `from` on; `0` for fewer than two. */
export function slopeOf(
  all: readonly MemorySample[],
  from: number,
  of: 'resident' | 'counted' = 'resident',
): MemorySlope {
  const points = all
    .filter(({ at }) => at >= from)
    .map((sample) => ({ x: (sample.at - from) / minuteMs, y: sample[of] / megabyte }));
  const mean = { x: meanOf(points.map(({ x }) => x)), y: meanOf(points.map(({ y }) => y)) };
  let covariance = 0;
  let variance = 0;
  for (const { x, y } of points) {
    covariance += (x - mean.x) * (y - mean.y);
    variance += (x - mean.x) ** 2;
  }
  return { megabytesAMinute: variance === 0 ? 0 : covariance / variance, samples: points.length };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}
