/**
 * The names in a certificate, as requested by callers and validated.
 *
 * @module
 */
import { isIP } from 'node:net';
import { MtlsError } from '../errors.js';
import { spiffeTrustDomain } from '../x509/spiffe-id.js';

/** The subject of a certificate, in the order in which it is encoded: O, OU, CN. */
export interface Subject {
  readonly organization?: string | undefined;
  readonly organizationalUnits?: readonly string[];
  readonly commonName: string;
}

/** The subjectAltName of a certificate. All lists can be empty. */
export interface AltNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
}

/** No subjectAltName. */
export const noAltNames: AltNames = { dns: [], ip: [], email: [], uri: [] };

/** All names in a certificate. */
export interface CertificateNames {
  readonly subject: Subject;
  readonly altNames: AltNames;
}

/**
 * Validates a SPIFFE ID.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function checkSpiffeId(id: string): string {
  if (spiffeTrustDomain(id) !== undefined) return id;
  throw invalid(
    'spiffeId',
    id,
    'use "spiffe://", a trust domain in lower case and a path, such as "spiffe://example.org/client1"',
  );
}

/**
 * Validates the parts of a subject: 1 to 64 characters each, no control characters.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function checkSubject(subject: Subject): Subject {
  const { organization, organizationalUnits = [], commonName } = subject;
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['organization', organization],
    ...organizationalUnits.map((unit) => ['organizationalUnit', unit] as const),
    ['commonName', commonName],
  ];
  for (const [part, value] of parts) {
    if (value === undefined) continue;
    // RFC 5280 appendix A.1: ub-common-name, ub-organization-name and ub-organizational-unit-name are 64.
    const length = Array.from(value).length;
    if (length >= 1 && length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(value)) continue;
    throw invalid(part, value, 'use 1 to 64 characters without control characters');
  }
  return subject;
}

/**
 * Validates the entries of a subjectAltName.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function checkAltNames(names: AltNames): AltNames {
  for (const dns of names.dns) {
    if (!/^(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(dns)) {
      throw invalid('dns', dns, 'use a host name in ASCII, such as "localhost"');
    }
  }
  for (const ip of names.ip) {
    if (isIP(ip) === 0 || ip.includes('%'))
      throw invalid('ip', ip, 'use an address such as "127.0.0.1" or "::1"');
  }
  for (const email of names.email) {
    if (!/^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/.test(email)) {
      throw invalid('email', email, 'use an address in ASCII, such as "client1@example.com"');
    }
  }
  for (const uri of names.uri) {
    if (!/^[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri)) {
      throw invalid('uri', uri, 'use an absolute URI in ASCII, such as "spiffe://example.org/client1"');
    }
  }
  return names;
}

function invalid(option: string, value: string, remedy: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `${option} is ${JSON.stringify(value)}`, remedy });
}
