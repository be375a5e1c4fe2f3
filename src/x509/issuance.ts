/**
 * Whether one CA certificate may have issued another certificate, by their fields. Only the signature proves that it
 * did.
 *
 * @module
 */
import { KeyUsage } from './certificate-extensions.js';
import { type Certificate } from './certificate.js';

/** Whether a certificate declares itself a CA. One of version 1 cannot, and is accepted as a trust anchor. */
export function isCa(certificate: Certificate): boolean {
  return certificate.basicConstraints?.ca ?? (certificate.version < 3 && isSelfIssued(certificate));
}

/** Whether a certificate may sign others: it is a CA, and its keyUsage allows it. */
export function mayIssue(certificate: Certificate): boolean {
  const { keyUsage } = certificate;
  return isCa(certificate) && (keyUsage === undefined || (keyUsage & KeyUsage.keyCertSign) !== 0);
}

/** Whether subject and issuer are equal. */
export function isSelfIssued({ subject, issuer }: Pick<Certificate, 'subject' | 'issuer'>): boolean {
  return subject.equals(issuer);
}

/** Whether two key identifiers agree. They do if either is absent. */
export function keyIdentifiersAgree(
  authorityKeyId: string | undefined,
  subjectKeyId: string | undefined,
): boolean {
  return authorityKeyId === undefined || subjectKeyId === undefined || authorityKeyId === subjectKeyId;
}

/**
 * Whether the authorityKeyIdentifier of a certificate or a CRL may identify a CA certificate, by key and by issuer and
 * serial number.
 */
export function mayMean(
  { authorityKeyId, authorityCertificate }: Pick<Certificate, 'authorityKeyId' | 'authorityCertificate'>,
  ca: Certificate,
): boolean {
  if (!keyIdentifiersAgree(authorityKeyId, ca.subjectKeyId)) return false;
  if (authorityCertificate === undefined) return true;
  const { issuer, serial } = authorityCertificate;
  const directories = issuer.filter((name) => name.kind === 'directoryName');
  // Without a directoryName there is nothing to compare.
  if (directories.length === 0) return true;
  return serial.equals(ca.serial) && directories.some(({ value }) => value.equals(ca.issuer));
}
