/**
 * What the CRLs say of a certificate.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { type RevocationReason } from '../x509/crl-entry.js';
import { type VerifiedCrl } from './verified-crl.js';

/** Why nothing can be said of a certificate. */
export type UnknownCause =
  /** No full CRL of its issuer is loaded. */
  | 'no-crl'
  /** The CRLs of its issuer do not cover this certificate, or not every reason. */
  | 'out-of-scope'
  /** The CRL of its issuer is past its nextUpdate, or not valid yet. */
  | 'crl-expired'
  /** No chain of configured CAs leads from it to a root. */
  | 'no-issuer';

/** What the CRLs say of one certificate. */
export type CertificateStatus =
  /** Not revoked by `crls`, and certain until `until`: the first nextUpdate of those; `Infinity` where none is named. */
  | { readonly status: 'good'; readonly until: number; readonly crls: readonly VerifiedCrl[] }
  | {
      readonly status: 'revoked';
      readonly certificate: Certificate;
      readonly reason: RevocationReason;
      readonly revocationDate: Date;
      readonly revokedBy: VerifiedCrl;
    }
  | { readonly status: 'unknown'; readonly certificate: Certificate; readonly cause: UnknownCause };
