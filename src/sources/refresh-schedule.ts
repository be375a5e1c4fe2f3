/**
 * When a CRL is requested again: spread over time, so that many processes do not send requests at the same moment.
 *
 * @module
 */

/** What decides when a CRL is requested again. Times are in milliseconds. */
export interface RefreshInput {
  /** The longest time between two requests; `undefined` leaves it to the server. */
  readonly refreshMs: number | undefined;
  /** How long a cache may keep the response; `undefined` if the server does not say. */
  readonly maxAgeMs: number | undefined;
  /** The dates of the CRL; `undefined` if they are not known. */
  readonly crl: { readonly nextUpdate: Date | undefined } | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const usualMs = 300_000;
const shortestMs = 10_000;
const longestMs = 3_600_000;
const shortestNearExpiryMs = 60_000;
const firstBackOffMs = 1000;
const longestBackOffMs = 300_000;

/**
 * The time until the next request. It is chosen at random from the second half of the interval. The interval ends
 * well before nextUpdate: each request halves at least the time that is left, down to one request a minute.
 */
export function refreshDelayMs(
  { refreshMs, maxAgeMs, crl, now }: RefreshInput,
  random: () => number = Math.random,
): number {
  const usual = refreshMs ?? clamp(maxAgeMs === undefined || maxAgeMs === 0 ? usualMs : maxAgeMs);
  const left = (crl?.nextUpdate?.getTime() ?? Infinity) - now;
  const interval = Math.min(usual, Math.max(left / 2, shortestNearExpiryMs));
  return spread(interval, random);
}

function clamp(ms: number): number {
  return Math.min(Math.max(ms, shortestMs), longestMs);
}

/** The time until the next attempt after some failures in a row: from a second, doubled each time, to five minutes. */
export function backOffMs(failures: number, random: () => number = Math.random): number {
  return spread(Math.min(firstBackOffMs * 2 ** (failures - 1), longestBackOffMs), random);
}

function spread(ms: number, random: () => number): number {
  return ms / 2 + (ms / 2) * random();
}
