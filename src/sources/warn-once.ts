/**
 * Warnings about CRLs that are not fetched. Loaders have no logger.
 *
 * @module
 */

// The origins come from certificates and CRLs, so there may be any number.
const mostWarnings = 16;
const warned = new Set<string>();

/**
 * Warns that a URL is not fetched because `allow` does not cover it: once for each origin.
 * @param what - What the URL is of: `'a delta CRL'`.
 */
export function warnOfOrigin(origin: string, what: string): void {
  warnOnce(
    'MTLS_ORIGIN_NOT_ALLOWED',
    origin,
    `${what} at ${origin} is not fetched: the option allow does not cover its URL`,
  );
}

/** Warns that a further CRL is not fetched because there are `maxPoints` already: once for each origin. */
export function warnOfMaxPoints(origin: string, maxPoints: number): void {
  warnOnce(
    'MTLS_TOO_MANY_POINTS',
    origin,
    `a CRL at ${origin} is not fetched: ${maxPoints} others are, the most that the option maxPoints allows`,
  );
}

/**
 * Warns the process, at most 16 times in total.
 * @param origin - Its characters are those of a parsed URL, so it needs no escaping.
 */
function warnOnce(code: string, origin: string, message: string): void {
  const key = `${code} ${origin}`;
  if (warned.has(key) || warned.size >= mostWarnings) return;
  warned.add(key);
  process.emitWarning(message, { type: 'MtlsWarning', code });
}
