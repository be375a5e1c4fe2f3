import { describe, expect, test } from '@jest/globals';
import { MinuteCounts } from '../../../src/status/minute-counts.js';

const minute = 60_000;
const now = Date.UTC(2026, 5, 15, 12, 0, 30);

describe('the events of the last hour', () => {
  test('are counted for each minute and reason, oldest first', () => {
    const counts = new MinuteCounts<'revoked' | 'expired'>();
    counts.add('revoked', now - 59 * minute);
    counts.add('revoked', now - minute);
    counts.add('revoked', now - minute);
    counts.add('expired', now);
    const { from, total, byReason } = counts.lastHour(now);
    expect(from).toBe('2026-06-15T11:01:00.000Z');
    expect(total).toBe(4);
    expect(Object.keys(byReason).sort()).toEqual(['expired', 'revoked']);
    expect(byReason.revoked).toEqual([1, ...Array<number>(57).fill(0), 2, 0]);
    expect(byReason.expired).toEqual([...Array<number>(59).fill(0), 1]);
  });

  test('are forgotten after an hour', () => {
    const counts = new MinuteCounts<'revoked'>();
    counts.add('revoked', now - 60 * minute);
    expect(counts.lastHour(now)).toMatchObject({ total: 0, byReason: {} });
    // The same minute of the next hour takes its place.
    counts.add('revoked', now);
    expect(counts.lastHour(now)).toMatchObject({ total: 1 });
    expect(counts.lastHour(now + 60 * minute)).toMatchObject({ total: 0 });
  });

  test('exclude events of the future after the clock was set back', () => {
    const counts = new MinuteCounts<'revoked'>();
    counts.add('revoked', now);
    expect(counts.lastHour(now - 5 * minute)).toMatchObject({ total: 0, byReason: {} });
    counts.add('revoked', now - 5 * minute);
    expect(counts.lastHour(now - 5 * minute).byReason.revoked?.at(-1)).toBe(1);
  });

  test('take the same memory after a week as after an hour', () => {
    const counts = new MinuteCounts<'revoked'>();
    for (let ago = 7 * 24 * 60; ago >= 0; ago--) counts.add('revoked', now - ago * minute);
    const { total, byReason } = counts.lastHour(now);
    expect(total).toBe(60);
    expect(byReason.revoked).toEqual(Array(60).fill(1));
  });
});
