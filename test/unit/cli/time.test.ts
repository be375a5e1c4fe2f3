/**
 * Dates as people say them.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { describeDate, fromNow } from '../../../src/cli/time.js';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.UTC(2026, 10, 24);

test.each([
  { ms: 0, expected: 'in 0 seconds' },
  { ms: 119 * second, expected: 'in 119 seconds' },
  { ms: 2 * minute, expected: 'in 2 minutes' },
  { ms: -(118 * minute), expected: '118 minutes ago' },
  { ms: -(119 * minute), expected: '2 hours ago' },
  { ms: -(2 * hour), expected: '2 hours ago' },
  { ms: 2 * day - hour - second, expected: 'in 47 hours' },
  { ms: 2 * day - second, expected: 'in 2 days' },
  { ms: 2 * day, expected: 'in 2 days' },
  { ms: 30 * day - 10 * minute, expected: 'in 30 days' },
  { ms: 365 * day - second, expected: 'in 365 days' },
  { ms: -(728 * day), expected: '728 days ago' },
  { ms: 730 * day, expected: 'in 2 years' },
])('$ms ms from now is "$expected"', ({ ms, expected }) => {
  expect(fromNow(new Date(now + ms), now)).toBe(expected);
});

test('a date is shown in UTC, with the distance', () => {
  expect(describeDate(new Date(now + 3 * day), now)).toBe('2026-11-27 00:00:00 UTC (in 3 days)');
});
