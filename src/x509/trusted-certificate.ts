/**
 * The content of a PEM block "TRUSTED CERTIFICATE" of OpenSSL: a certificate, followed by its trust settings
 * (X509_CERT_AUX of openssl/x509.h).
 *
 * @module
 */
import { context, DerReader, type DerSubject, Tag } from './der.js';

/** A certificate with trust settings. */
export interface TrustedCertificate {
  /** The DER of the certificate. */
  readonly certificate: Buffer;
  /** The purposes it is trusted for; `undefined` for all that are not rejected. */
  readonly trusted: readonly string[] | undefined;
  /** The purposes it is rejected for. */
  readonly rejected: readonly string[];
}

const subject: DerSubject = { code: 'ERR_MTLS_PEM_INVALID', noun: 'TRUSTED CERTIFICATE' };

/**
 * Reads a block.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for anything but strict DER.
 */
export function readTrustedCertificate(der: Buffer): TrustedCertificate {
  const outer = new DerReader(der, subject);
  const certificate = outer.next(Tag.sequence).element;
  const settings = outer.done ? undefined : outer.enter(Tag.sequence);
  outer.finish();
  const trusted = readPurposes(settings?.enterOptional(Tag.sequence));
  const rejected = readPurposes(settings?.enterOptional(context(0, 'constructed'))) ?? [];
  // An alias, a key identifier, and fields that no known software writes.
  for (const tag of [Tag.utf8String, Tag.octetString, context(1, 'constructed')])
    if (settings?.at(tag) === true) settings.next();
  settings?.finish();
  return { certificate, trusted, rejected };
}

function readPurposes(list: DerReader | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  const purposes: string[] = [];
  while (!list.done) purposes.push(list.oid());
  return purposes;
}

const anyPurpose = '2.5.29.37.0';

/**
 * Whether the settings allow a purpose. As in OpenSSL, it must not be rejected, and must be trusted if any purpose
 * is.
 */
export function isTrustedFor(
  { trusted, rejected }: Pick<TrustedCertificate, 'trusted' | 'rejected'>,
  purpose: string,
): boolean {
  const names = (purposes: readonly string[]): boolean =>
    purposes.includes(purpose) || purposes.includes(anyPurpose);
  return !names(rejected) && (trusted === undefined || names(trusted));
}
