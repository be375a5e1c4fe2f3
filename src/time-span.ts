/**
 * Units of time, and time spans as text.
 *
 * @module
 */
import { count } from './quantity.js';

/** The length of each unit in milliseconds. */
export const millisecondsIn: Readonly<Record<'second' | 'minute' | 'hour' | 'day' | 'year', number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  year: 365 * 86_400_000,
};

const units = ['day', 'hour', 'minute', 'second'] as const;

/** `3 days`, `90 minutes`, `1 second`: the largest unit that counts at least two. */
export function describeSpan(ms: number): string {
  const unit = units.find((name) => ms >= 2 * millisecondsIn[name]) ?? 'second';
  return count(Math.max(0, Math.floor(ms / millisecondsIn[unit])), unit);
}
