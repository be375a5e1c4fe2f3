/**
 * Dates as people say them.
 *
 * @module
 */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const format = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** `in 3 days`, `2 hours ago`; the largest unit of which there are two at least. */
export function fromNow(date: Date, nowMs: number): string {
  const ms = date.getTime() - nowMs;
  const distance = Math.abs(ms);
  if (distance >= 2 * 365 * day) return format.format(Math.trunc(ms / (365 * day)), 'year');
  if (distance >= 2 * day) return format.format(Math.trunc(ms / day), 'day');
  if (distance >= 2 * hour) return format.format(Math.trunc(ms / hour), 'hour');
  if (distance >= 2 * minute) return format.format(Math.trunc(ms / minute), 'minute');
  return format.format(Math.trunc(ms / 1000), 'second');
}

/** `2026-11-27 01:22:05 UTC (in 3 days)`. */
export function describeDate(date: Date, nowMs: number): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC (${fromNow(date, nowMs)})`;
}
