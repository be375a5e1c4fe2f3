/**
 * The URIs at which certificates say that their CRLs are published.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';

// Longer URIs exist in no certificate that we know; each loader that receives one keeps it.
const longestUri = 1024;

/**
 * The `http:` and `https:` URIs of the CRL distribution points of certificates (RFC 5280 section 4.2.1.13) and of
 * their delta CRLs (section 4.2.1.15), each once and in order.
 * @param most - The maximum number of URIs. A certificate can have thousands.
 */
export function wantedUris(
  certificates: readonly Pick<Certificate, 'crlDistributionPoints' | 'freshestCrl'>[],
  most: number,
): readonly string[] {
  const uris = new Set<string>();
  for (const { crlDistributionPoints, freshestCrl } of certificates)
    for (const { name } of [...crlDistributionPoints, ...freshestCrl]) {
      if (name?.kind !== 'full') continue;
      for (const { kind, value } of name.names) {
        if (kind !== 'uri' || value.length > longestUri || !/^https?:\/\//i.test(value)) continue;
        uris.add(value);
        if (uris.size >= most) return [...uris];
      }
    }
  return [...uris];
}
