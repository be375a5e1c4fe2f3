/**
 * Medians and percentiles, which are robust on a noisy machine.
 *
 * @module
 */

/** The value below which the fraction `part`, from 0 to 1, of the values lies. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new RangeError('there is no percentile of nothing');
  const sorted = [...values].sort((left, right) => left - right);
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

/** The median. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The median of the ratios of `values` to `base`, pair by pair, so that common disturbances cancel out. */
export function medianRatio(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, index) => value / (base[index] as number)));
}
