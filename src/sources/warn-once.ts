/**
 * Warnings about places that are not fetched from. Loaders have no logger.
 *
 * @module
 */

// The names come from certificates and CRLs, so there may be any number.
const mostWarnings = 16;
const warned = new Set<string>();

/**
 * Warns the process once about an origin that is not allowed, and at most 16 times in total.
 * @param origin - Its characters are those of a parsed URL, so it needs no escaping.
 */
export function warnOnce(origin: string, what: string): void {
  if (warned.has(origin) || warned.size >= mostWarnings) return;
  warned.add(origin);
  process.emitWarning(`${what} at ${origin} is not fetched: its origin is not allowed (option allow)`, {
    type: 'MtlsWarning',
    code: 'MTLS_ORIGIN_NOT_ALLOWED',
  });
}
