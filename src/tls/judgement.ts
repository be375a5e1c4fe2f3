/**
 * Whether a client is let in, and if not, the true reason. Pure: the gate asks it
 * at the handshake, at a resumed session, after a reload and at a deadline.
 *
 * @module
 */
import { type ErrorCode, MtlsError } from '../errors.js';
import { formatSerial } from '../identity/client-identity.js';
import {
  type CertificateStatus,
  type RevocationChecker,
  type UnknownCause,
} from '../revocation/revocation-checker.js';
import { type Certificate } from '../x509/certificate.js';
import { type CertificateChain, isCa } from '../x509/certificate-store.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';

/** Why a client is refused, in one word. */
export type RefusalReason =
  | 'no-certificate'
  | 'untrusted'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'revocation-unknown'
  | 'wrong-purpose'
  | 'is-a-ca'
  | 'identity-invalid';

const codes: Readonly<Record<RefusalReason, ErrorCode>> = {
  'no-certificate': 'ERR_MTLS_CERTIFICATE_REQUIRED',
  untrusted: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
  expired: 'ERR_MTLS_CERTIFICATE_EXPIRED',
  'not-yet-valid': 'ERR_MTLS_CERTIFICATE_INVALID',
  revoked: 'ERR_MTLS_CERTIFICATE_REVOKED',
  'revocation-unknown': 'ERR_MTLS_REVOCATION_UNKNOWN',
  'wrong-purpose': 'ERR_MTLS_CERTIFICATE_INVALID',
  'is-a-ca': 'ERR_MTLS_CERTIFICATE_INVALID',
  'identity-invalid': 'ERR_MTLS_CERTIFICATE_INVALID',
};

/** Why a client is refused, for the operator. Nothing of it is for the client. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly code: ErrorCode;
  /** A sentence: what was seen, and what to do. */
  readonly detail: string;
  /** Of a revoked certificate: where it stands and since when. */
  readonly revocation: RevocationDetail | undefined;
}

/** Which CRL convicts, and of what. */
export interface RevocationDetail {
  readonly crlIssuer: string;
  readonly crlNumber: string | undefined;
  readonly reason: string;
  readonly date: Date;
}

/** What a refused or admitted caller presented. */
export interface Presented {
  readonly certificate: Certificate;
  /** `undefined`: what the client sent and what is configured make no chain. */
  readonly chain: CertificateChain | undefined;
  readonly openssl: OpensslVerdict;
}

/**
 * What OpenSSL says of it: `'trusted'`, or its code for what is wrong, such as `'CERT_REVOKED'`. It is asked at
 * the handshake alone: `'not-asked'` of a connection that is judged again.
 */
export type OpensslVerdict = 'trusted' | 'not-asked' | { readonly error: string };

/** The outcome: admitted until a moment (milliseconds since 1970), or refused. */
export type Verdict =
  | { readonly admitted: true; readonly until: number }
  | { readonly admitted: false; readonly refusal: Refusal };

const clientAuth = '1.3.6.1.5.5.7.3.2';

/** Judges what a client presented. */
export function judge(presented: Presented, revocation: RevocationChecker | undefined, at: Date): Verdict {
  const { certificate, chain, openssl } = presented;
  const outOfDate = checkDates(chain ?? [certificate], at);
  if (outOfDate !== undefined) return { admitted: false, refusal: outOfDate };
  const status = chain && revocation?.checkChain(chain, at);
  const refusal =
    checkTrust(presented) ??
    (status && checkStatus(status, certificate)) ??
    checkPurpose(certificate) ??
    // Last, because OpenSSL names the last fault it saw, not the telling one.
    (typeof openssl === 'object' ? refuseForOpenssl(openssl.error, certificate) : undefined);
  if (refusal !== undefined) return { admitted: false, refusal };
  const lastDay = Math.min(...(chain ?? [certificate]).map(({ notAfter }) => notAfter.getTime()));
  return { admitted: true, until: Math.min(lastDay, status?.status === 'good' ? status.until : Infinity) };
}

/** Makes a refusal. */
export function refuse(reason: RefusalReason, detail: string, revocation?: RevocationDetail): Refusal {
  return Object.freeze({ reason, code: codes[reason], detail, revocation });
}

/** The refusal as an error for `next()`: its message is for the client too, and says no more than the code. */
export function refusalError({ reason, code }: Refusal): MtlsError {
  return new MtlsError(code, `the client certificate is refused: ${reason}`);
}

function checkDates(chain: CertificateChain, at: Date): Refusal | undefined {
  for (const { subject, notBefore, notAfter } of chain) {
    if (!(notBefore <= at))
      return refuse(
        'not-yet-valid',
        `"${abbreviate(subject)}" is not valid before ${notBefore.toISOString()}`,
      );
    if (!(at < notAfter))
      return refuse('expired', `"${abbreviate(subject)}" expired at ${notAfter.toISOString()}`);
  }
  return undefined;
}

function checkTrust({ certificate, chain, openssl }: Presented): Refusal | undefined {
  if (chain !== undefined) return undefined;
  const issuer = abbreviate(certificate.issuer);
  const seen = `no configured CA leads to "${issuer}", which issued it`;
  if (openssl === 'not-asked') return refuse('untrusted', seen);
  if (openssl !== 'trusted') return refuse('untrusted', `${seen} (OpenSSL: ${openssl.error})`);
  // OpenSSL saw an intermediate that node:tls does not show: at a resumed session, and at every one of Node 24.
  const remedy = `add it to options.ca if it is an intermediate CA that clients send`;
  return refuse('untrusted', `${seen}; ${remedy}`);
}

function checkStatus(status: CertificateStatus, leaf: Certificate): Refusal | undefined {
  if (status.status === 'good') return undefined;
  const { certificate } = status;
  const which = certificate === leaf ? 'it' : `"${abbreviate(certificate.subject)}", which stands above it,`;
  if (status.status === 'unknown')
    return refuse('revocation-unknown', `${which} ${describeUnknown(status.cause, certificate)}`);
  const { crl, reason, revocationDate } = status;
  const { issuer, number } = crl.crl;
  const name =
    number === undefined
      ? `the CRL of "${abbreviate(issuer)}"`
      : `CRL number ${number} of "${abbreviate(issuer)}"`;
  return refuse('revoked', `${which} was revoked at ${revocationDate.toISOString()} (${reason}) by ${name}`, {
    crlIssuer: abbreviate(issuer),
    crlNumber: number?.toString(),
    reason,
    date: revocationDate,
  });
}

function describeUnknown(cause: UnknownCause, { issuer }: Certificate): string {
  const causes: Readonly<Record<UnknownCause, string>> = {
    'no-crl': `cannot be judged: no CRL of "${abbreviate(issuer)}" is loaded; add it to options.crl`,
    'out-of-scope': `cannot be judged: the CRLs of "${abbreviate(issuer)}" do not cover it; add the one for its distribution point`,
    'crl-expired': `cannot be judged: the CRL of "${abbreviate(issuer)}" is past its nextUpdate; publish a newer one`,
    'no-issuer': `cannot be judged: "${abbreviate(issuer)}" is not among the configured CAs`,
  };
  return causes[cause];
}

function checkPurpose(certificate: Certificate): Refusal | undefined {
  if (certificate.version < 3) {
    return refuse(
      'wrong-purpose',
      `it is of X.509 version ${certificate.version} and cannot say that it is for clients; issue it with extendedKeyUsage = clientAuth`,
    );
  }
  if (isCa(certificate)) return refuse('is-a-ca', 'it is the certificate of a CA; issue one for the client');
  const usages = certificate.extendedKeyUsage;
  if (usages?.includes(clientAuth) !== true) {
    const seen = usages === undefined ? 'has no extendedKeyUsage' : `is for ${usages.join(', ')}`;
    return refuse('wrong-purpose', `it ${seen}; issue it with extendedKeyUsage = clientAuth (${clientAuth})`);
  }
  if ((certificate.serial[0] ?? 0) >= 0x80) {
    return refuse(
      'identity-invalid',
      `its serial number ${formatSerial(certificate.serial)} is negative (RFC 5280 section 4.1.2.2)`,
    );
  }
  return undefined;
}

const opensslReasons: Readonly<Record<string, RefusalReason>> = {
  CERT_REVOKED: 'revoked',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  CRL_HAS_EXPIRED: 'revocation-unknown',
  CRL_NOT_YET_VALID: 'revocation-unknown',
  UNABLE_TO_GET_CRL: 'revocation-unknown',
  INVALID_PURPOSE: 'wrong-purpose',
};

// A certificate may carry a name of 60,000 characters, and would write it into every line about it.
const longestName = 200;

/** A name as RFC 4514 writes it, cut to what a log line can bear. */
export function abbreviate(name: DistinguishedName): string {
  const text = name.toString();
  return text.length <= longestName ? text : `${text.slice(0, longestName - 1)}…`;
}

/** The refusal behind one of OpenSSL's codes, where there is nothing better to go by. */
export function refuseForOpenssl(code: string, certificate?: Certificate): Refusal {
  const [unknown] = certificate?.unknownCriticalExtensions ?? [];
  // node:tls has no name for this one of OpenSSL's errors.
  const why =
    unknown === undefined ? '' : `; it has the critical extension ${unknown}, which is not understood`;
  return refuse(opensslReasons[code] ?? 'untrusted', `OpenSSL says ${code}${why}`);
}
