/**
 * SPIFFE IDs, by the rules of the SPIFFE standard ("SPIFFE-ID", sections 2.1 to 2.4).
 *
 * @module
 */

const trustDomain = '[a-z0-9._-]{1,255}';
const pathSegment = '/(?!\\.{1,2}(?:/|$))[a-zA-Z0-9._-]+';
const form = new RegExp(`^spiffe://(${trustDomain})(?:${pathSegment})*$`);

/**
 * The trust domain of a SPIFFE ID: `'example.org'` for `'spiffe://example.org/api'`; `undefined` if it is not a valid
 * one.
 */
export function spiffeTrustDomain(uri: string): string | undefined {
  // Section 2.3: at most 2048 bytes.
  return uri.length > 2048 ? undefined : form.exec(uri)?.[1];
}
