/**
 * Whether one certificate may have issued another, as far as the two say so:
 * whether it did, its key says.
 *
 * @module
 */
import { KeyUsage } from './certificate-extensions.js';
import { type Certificate } from './certificate.js';

/** Whether a certificate says it is a CA; one of version 1 cannot say, and is believed where it is a trust anchor. */
export function isCa(certificate: Certificate): boolean {
  return certificate.basicConstraints?.ca ?? (certificate.version < 3 && isSelfIssued(certificate));
}

/** Whether a certificate may sign others: it is a CA's, and its keyUsage does not say otherwise. */
export function mayIssue(certificate: Certificate): boolean {
  const { keyUsage } = certificate;
  return isCa(certificate) && (keyUsage === undefined || (keyUsage & KeyUsage.keyCertSign) !== 0);
}

/** Whether subject and issuer are one name. */
export function isSelfIssued({ subject, issuer }: Pick<Certificate, 'subject' | 'issuer'>): boolean {
  return subject.equals(issuer);
}

/** Whether an authorityKeyIdentifier may mean this key: identifiers decide only where both sides have one. */
export function keyIdentifiersAgree(
  authorityKeyId: string | undefined,
  subjectKeyId: string | undefined,
): boolean {
  return authorityKeyId === undefined || subjectKeyId === undefined || authorityKeyId === subjectKeyId;
}

/** Whether a certificate's authorityKeyIdentifier may mean a CA's certificate: its key, and its issuer and serial number. */
export function mayMean({ authorityKeyId, authorityCertificate }: Certificate, ca: Certificate): boolean {
  if (!keyIdentifiersAgree(authorityKeyId, ca.subjectKeyId)) return false;
  if (authorityCertificate === undefined) return true;
  const { issuer, serial } = authorityCertificate;
  const directories = issuer.filter((name) => name.kind === 'directoryName');
  // Without a name of a directory there is nothing to compare.
  if (directories.length === 0) return true;
  return serial.equals(ca.serial) && directories.some(({ value }) => value.equals(ca.issuer));
}
