/**
 * Units of time, and spans in words.
 *
 * @module
 */
import { count } from './quantity.js';

/** How many milliseconds a unit has. */
export const millisecondsIn: Readonly<Record<'second' | 'minute' | 'hour' | 'day' | 'year', number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  year: 365 * 86_400_000,
};

const units = ['day', 'hour', 'minute', 'second'] as const;

/** `3 days`, `90 minutes`, `1 second`: the largest unit of which there are two at least. */
export function describeSpan(ms: number): string {
  const unit = units.find((name) => ms >= 2 * millisecondsIn[name]) ?? 'second';
  return count(Math.max(0, Math.floor(ms / millisecondsIn[unit])), unit);
}
