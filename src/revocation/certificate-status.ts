/**
 * What the CRLs say about a certificate.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { type RevocationReason } from '../x509/crl-entry.js';
import { type VerifiedCrl } from './verified-crl.js';

/** Why no CRL can answer for a certificate. */
export type UnknownCause =
  /** No full CRL of its issuer is loaded. */
  | 'no-crl'
  /** The CRLs of its issuer do not cover this certificate, or not for every reason. */
  | 'out-of-scope'
  /** The CRL of its issuer is past its nextUpdate, or not valid yet. */
  | 'crl-expired'
  /** The source of the CRL of its issuer has not confirmed it for longer than the `maxAgeMs` of the policy. */
  | 'crl-unconfirmed'
  /** No certification path leads from the certificate to a trust anchor. */
  | 'no-issuer';

/** What the CRLs say about one certificate. */
export type CertificateStatus =
  /**
   * Not revoked according to `crls`. Valid until `until`, the earliest nextUpdate; `Infinity` if no CRL has one.
   * `uncovered` are the certificates that no CRL covers and that the policy admits.
   */
  | {
      readonly status: 'good';
      readonly until: number;
      readonly crls: readonly VerifiedCrl[];
      readonly uncovered: readonly Certificate[];
    }
  | {
      readonly status: 'revoked';
      readonly certificate: Certificate;
      readonly reason: RevocationReason;
      readonly revocationDate: Date;
      readonly revokedBy: VerifiedCrl;
    }
  | { readonly status: 'unknown'; readonly certificate: Certificate; readonly cause: UnknownCause };

/** Whether there is a CRL, which no longer counts. */
export function isOutdated(cause: UnknownCause): boolean {
  return cause === 'crl-expired' || cause === 'crl-unconfirmed';
}
