/**
 * Dates and time spans for people.
 *
 * @module
 */

import { millisecondsIn } from '../time-span.js';

const { minute, hour, day, year } = millisecondsIn;

const format = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

// A span that is short of a whole number by at most `short` counts as whole: 365 days stay 365 days a second later.
const units = [
  { name: 'year', ms: year, short: day },
  { name: 'day', ms: day, short: hour },
  { name: 'hour', ms: hour, short: minute },
  { name: 'minute', ms: minute, short: 0 },
] as const;

/** `in 3 days`, `2 hours ago`: the largest unit that counts at least two. */
export function fromNow(date: Date, nowMs: number): string {
  const ms = date.getTime() - nowMs;
  for (const unit of units) {
    const count = Math.floor((Math.abs(ms) + unit.short) / unit.ms);
    if (count >= 2) return format.format(ms < 0 ? -count : count, unit.name);
  }
  return format.format(Math.trunc(ms / 1000), 'second');
}

/** `2026-11-27 01:22:05 UTC (in 3 days)`. */
export function describeDate(date: Date, nowMs: number): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC (${fromNow(date, nowMs)})`;
}
