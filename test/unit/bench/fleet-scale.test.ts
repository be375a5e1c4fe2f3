import { describe, expect, test } from '@jest/globals';
import { type Fleet, headBytes, simulate } from '../../../bench/fleet-scale.js';
import { backOffMs, refreshDelayMs } from '../../../src/sources/refresh-schedule.js';

/** The same numbers in every run. */
function sequence(seed = 1): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

const fleet: Fleet = {
  processes: 200,
  startsWithin: 60,
  maxAge: 300,
  fullEvery: 3600,
  fullBytes: 1_000_000,
  deltaEvery: undefined,
  deltaBytes: 1000,
  jitter: true,
};

describe('one HTTP origin', () => {
  test('sees requests spread over time, and without jitter a peak that is many times as high', () => {
    const spread = simulate(fleet, sequence());
    const together = simulate({ ...fleet, jitter: false }, sequence());
    // Between one request in 150 s and one in 300 s of each process.
    expect(spread.meanRequests).toBeGreaterThan(200 / 300);
    expect(spread.meanRequests).toBeLessThan(200 / 150);
    expect(spread.peakRequests).toBeLessThan(10 * spread.meanRequests);
    expect(together.peakRequests).toBeGreaterThan(spread.peakRequests);
  });

  test('sends each version once to each process, and 304 otherwise', () => {
    const { meanBytes, meanRequests, unchanged, lastDelay } = simulate(fleet, sequence());
    const versions = 200 / 3600;
    expect(meanBytes).toBeCloseTo(versions * fleet.fullBytes + meanRequests * headBytes, -4);
    expect(unchanged).toBeGreaterThan(0.9);
    expect(lastDelay).toBeLessThanOrEqual(300);
  });

  test('sends far less with deltas than with full CRLs as often', () => {
    const often = simulate({ ...fleet, maxAge: 60, fullEvery: 60 }, sequence());
    const deltas = simulate({ ...fleet, maxAge: 60, deltaEvery: 60 }, sequence());
    expect(deltas.meanBytes).toBeLessThan(often.meanBytes / 20);
    expect(deltas.lastDelay).toBeLessThanOrEqual(60);
  });
});

describe('the time until the next request', () => {
  const now = 1_800_000_000_000;
  const at = (ms: number): { readonly nextUpdate: Date } => ({ nextUpdate: new Date(now + ms) });
  const hour = 3_600_000;

  test.each<[string, Parameters<typeof refreshDelayMs>[0], number]>([
    ['is five minutes', { refreshMs: undefined, maxAgeMs: undefined, crl: undefined, now }, 300_000],
    ['is the max-age', { refreshMs: undefined, maxAgeMs: 900_000, crl: at(24 * hour), now }, 900_000],
    ['is at least ten seconds', { refreshMs: undefined, maxAgeMs: 1000, crl: undefined, now }, 10_000],
    ['is at most an hour', { refreshMs: undefined, maxAgeMs: 24 * hour, crl: at(48 * hour), now }, hour],
    ['ignores a max-age of 0', { refreshMs: undefined, maxAgeMs: 0, crl: undefined, now }, 300_000],
    ['is what refreshMs says', { refreshMs: 500, maxAgeMs: hour, crl: at(24 * hour), now }, 500],
    [
      'is half of the time to nextUpdate',
      { refreshMs: hour, maxAgeMs: undefined, crl: at(hour), now },
      hour / 2,
    ],
    ['is a minute near nextUpdate', { refreshMs: hour, maxAgeMs: undefined, crl: at(1000), now }, 60_000],
    ['is a minute after nextUpdate', { refreshMs: hour, maxAgeMs: undefined, crl: at(-hour), now }, 60_000],
  ])('%s, or down to half of it', (_what, input, ms) => {
    expect(refreshDelayMs(input, () => 1)).toBe(ms);
    expect(refreshDelayMs(input, () => 0)).toBe(ms / 2);
  });

  test('after failures doubles from a second to five minutes', () => {
    expect([1, 2, 3, 9, 10, 100].map((failures) => backOffMs(failures, () => 1))).toEqual([
      1000, 2000, 4000, 256_000, 300_000, 300_000,
    ]);
  });
});
