/**
 * What OpenSSL writes into a PEM block "TRUSTED CERTIFICATE": a certificate, and
 * behind it what its owner trusts it for (X509_CERT_AUX of openssl/x509.h).
 *
 * @module
 */
import { context, DerReader, type DerSubject, Tag } from './der.js';

/** A certificate with the settings of its owner. */
export interface TrustedCertificate {
  /** The certificate alone, DER. */
  readonly certificate: Buffer;
  /** The purposes it is trusted for; `undefined`: for all that are not rejected. */
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
  // A name, a key identifier, and what nobody writes.
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

/** Whether the settings admit a purpose, by the rule of OpenSSL: what is rejected, and what is not among the trusted. */
export function isTrustedFor(
  { trusted, rejected }: Pick<TrustedCertificate, 'trusted' | 'rejected'>,
  purpose: string,
): boolean {
  const names = (purposes: readonly string[]): boolean =>
    purposes.includes(purpose) || purposes.includes(anyPurpose);
  return !names(rejected) && (trusted === undefined || names(trusted));
}
