/**
 * The roots among configured CAs, for servers to which every configured CA is a trust anchor, and for OpenSSL, which
 * may follow certificates that CAs have issued to each other in a circle.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';

/** The self-signed certificates of a file in PEM. What cannot be read stays, so that the server meets it. */
export function rootsOf(pem: string): string {
  return pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter(isRoot)
    .join('');
}

/** Whether a certificate is self-signed, or cannot be read. */
export function isRoot(pem: string): boolean {
  try {
    const certificate = new X509Certificate(pem);
    return certificate.checkIssued(certificate);
  } catch {
    return true;
  }
}
