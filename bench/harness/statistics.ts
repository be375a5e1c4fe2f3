/**
 * Medians and percentiles: what a noisy machine leaves to be trusted.
 *
 * @module
 */

/** The value below which the part `part` of them lies, from 0 to 1. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new RangeError('there is no percentile of nothing');
  const sorted = [...values].sort((left, right) => left - right);
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The median of what `values` are to `base`, pair by pair: what both suffered alike falls out. */
export function medianRatio(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, index) => value / (base[index] as number)));
}
