/**
 * Whether a client is let in, and if not, the true reason. Pure: the gate asks it
 * at the handshake, at a resumed session, after a reload and at a deadline.
 *
 * @module
 */
import { type CertificateStatus, type UnknownCause } from '../revocation/certificate-status.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type CertificateChain } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { type CompleteCertificatePolicy } from './certificate-policy.js';
import { checkKeys, checkPurpose } from './fitness.js';
import { abbreviate, describeName, type Refusal, type RefusalReason, refuse } from './refusal.js';

/** What a refused or admitted caller presented. */
export interface Presented {
  readonly certificate: Certificate;
  /** `undefined`: what the client sent and what is configured make no chain. */
  readonly chain: CertificateChain | undefined;
  /** What the client sent beside it, as far as it was read. */
  readonly others?: readonly Certificate[] | undefined;
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

/** What is judged by: the CRLs in force, `undefined` where none was configured, and what a certificate must be. */
export interface Measures {
  readonly revocation: RevocationChecker | undefined;
  readonly certificates: CompleteCertificatePolicy;
}

/** The parts of a judgement. */
export type CheckName = 'dates' | 'chain' | 'revocation' | 'purpose' | 'key' | 'openssl';

/** What the checks look at. */
interface Case extends Presented {
  readonly measures: Measures;
  readonly status: CertificateStatus | undefined;
  readonly at: Date;
}

/** In the order in which they are asked: the first that refuses gives the reason. */
const checks: readonly (readonly [CheckName, (of: Case) => Refusal | undefined])[] = [
  ['dates', ({ certificate, chain, at }) => checkDates(chain ?? [certificate], at)],
  ['chain', checkTrust],
  ['revocation', ({ certificate, status }) => status && checkStatus(status, certificate)],
  ['purpose', ({ certificate, measures }) => checkPurpose(certificate, measures.certificates)],
  ['key', ({ certificate, chain, measures }) => checkKeys(chain ?? [certificate], measures.certificates)],
  // Last, because OpenSSL names the last fault it saw, not the telling one.
  [
    'openssl',
    ({ certificate, openssl }) =>
      typeof openssl === 'object' ? refuseForOpenssl(openssl.error, certificate) : undefined,
  ],
];

/** Judges what a client presented. */
export function reachVerdict(presented: Presented, measures: Measures, at: Date): Verdict {
  const of = caseOf(presented, measures, at);
  for (const [, check] of checks) {
    const refusal = check(of);
    if (refusal !== undefined) return { admitted: false, refusal };
  }
  const { certificate, chain, status } = of;
  const lastDay = Math.min(...(chain ?? [certificate]).map(({ notAfter }) => notAfter.getTime()));
  return { admitted: true, until: Math.min(lastDay, status?.status === 'good' ? status.until : Infinity) };
}

/** Everything that {@link reachVerdict} would find, not the first alone, and what the CRLs say. */
export interface Findings {
  readonly findings: readonly { readonly check: CheckName; readonly refusal: Refusal | undefined }[];
  readonly status: CertificateStatus | undefined;
}

/** Asks every check. */
export function inspect(presented: Presented, measures: Measures, at: Date): Findings {
  const of = caseOf(presented, measures, at);
  return { findings: checks.map(([check, run]) => ({ check, refusal: run(of) })), status: of.status };
}

function caseOf(presented: Presented, measures: Measures, at: Date): Case {
  const { certificate, chain, others, openssl } = presented;
  const status = chain && measures.revocation?.checkChain(chain, at);
  // Not `...presented`: V8 makes a hidden class for each object of that form, where a million are judged.
  return { certificate, chain, others, openssl, measures, status, at };
}

function checkDates(chain: CertificateChain, at: Date): Refusal | undefined {
  for (const { subject, notBefore, notAfter } of chain) {
    if (!(notBefore <= at))
      return refuse(
        'not-yet-valid',
        `"${describeName(subject)}" is not valid before ${notBefore.toISOString()}`,
      );
    if (!(at < notAfter))
      return refuse('expired', `"${describeName(subject)}" expired at ${notAfter.toISOString()}`);
  }
  return undefined;
}

function checkTrust({ certificate, chain, others, openssl }: Presented): Refusal | undefined {
  if (chain !== undefined) return undefined;
  const issuer = describeName(certificate.issuer);
  const seen = `no configured CA leads to "${issuer}", which issued it`;
  if (openssl === 'not-asked') return refuse('untrusted', seen);
  const remedy = `if clients send that CA's certificate, add it to options.ca`;
  if (openssl !== 'trusted') return refuse('untrusted', `${seen} (OpenSSL: ${openssl.error})`, { remedy });
  // A resumed session shows none, nor do some releases of Node: 24.21 and 26.8.
  const why =
    (others ?? []).length === 0
      ? `Node ${process.version} shows no certificate that the client sent beside it`
      : '';
  return refuse('untrusted', `${seen}; OpenSSL found a path${why && `, but ${why}`}`, {
    remedy: `add "${issuer}" to options.ca`,
  });
}

function checkStatus(status: CertificateStatus, leaf: Certificate): Refusal | undefined {
  if (status.status === 'good') return undefined;
  const { certificate } = status;
  const which =
    certificate === leaf ? 'it' : `"${describeName(certificate.subject)}", which stands above it,`;
  if (status.status === 'unknown')
    return refuse('revocation-unknown', ...describeUnknown(which, status.cause, certificate));
  const { revokedBy, reason, revocationDate } = status;
  const { issuer, number } = revokedBy.crl;
  const name =
    number === undefined
      ? `the CRL of "${describeName(issuer)}"`
      : `CRL number ${number} of "${describeName(issuer)}"`;
  return refuse('revoked', `${which} was revoked at ${revocationDate.toISOString()} (${reason}) by ${name}`, {
    revocation: {
      crlIssuer: abbreviate(issuer),
      crlNumber: number?.toString(),
      reason,
      date: revocationDate,
    },
  });
}

function describeUnknown(
  which: string,
  cause: UnknownCause,
  certificate: Certificate,
): [detail: string, { readonly remedy: string }] {
  const issuer = describeName(certificate.issuer);
  const causes: Readonly<Record<UnknownCause, readonly [seen: string, remedy: string]>> = {
    'no-crl': [`no CRL of "${issuer}" is loaded`, 'add it to options.crl'],
    'out-of-scope': [
      `the CRLs of "${issuer}" do not cover it`,
      'add the one for its distribution point, or by the key that issued it',
    ],
    'crl-expired': [`the CRL of "${issuer}" is past its nextUpdate`, 'publish a newer one'],
    'no-issuer': [`"${issuer}" is not among the configured CAs`, 'add it to options.ca'],
  };
  const [seen, remedy] = causes[cause];
  return [`${which} cannot be judged: ${seen}`, { remedy }];
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

/** The refusal behind one of OpenSSL's codes, where there is nothing better to go by. */
export function refuseForOpenssl(code: string, certificate?: Certificate): Refusal {
  const [unknown] = certificate?.unknownCriticalExtensions ?? [];
  // node:tls has no name for this one of OpenSSL's errors.
  const why =
    unknown === undefined
      ? ''
      : `; it has the critical extension ${unknown.slice(0, 100)}, which is not understood`;
  return refuse(opensslReasons[code] ?? 'untrusted', `OpenSSL says ${code}${why}`);
}
