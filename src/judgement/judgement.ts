/**
 * Decides whether a client is admitted, and finds the reason if it is refused. Pure: the gate calls it at a
 * handshake, at a resumed session, after a reload and at a deadline.
 *
 * @module
 */
import { type CertificateStatus, type UnknownCause } from '../revocation/certificate-status.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type CertificateChain } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { type ComparisonBudget } from '../x509/constrained-names.js';
import { faultOfPath, maxComparisons, type PathFault } from '../x509/path-rules.js';
import { type PolicyOutcome, processPolicies } from '../x509/policy-graph.js';
import { purposes } from '../x509/purpose.js';
import { type CompleteCertificatePolicy } from './certificate-policy.js';
import { checkKeys, checkPurpose } from './fitness.js';
import { type MissingLink, optionsOfClients, refuseUnlinked, type TrustOptions } from './missing-link.js';
import { abbreviate, describeName, type Refusal, type RefusalReason, refuse } from './refusal.js';

/** What a client presented. */
export interface Presented {
  readonly certificate: Certificate;
  /** One certification path; `undefined` if there is none. */
  readonly chain: CertificateChain | undefined;
  /** The other certificates that the client sent, as far as they were read. */
  readonly others?: readonly Certificate[] | undefined;
  readonly openssl: OpensslVerdict;
  /** What is missing if there is no path. */
  readonly missing?: MissingLink | undefined;
  /** The CAs that it was judged by, for the remedy if there is no path. */
  readonly cas?: readonly Certificate[] | undefined;
}

/**
 * The verdict of OpenSSL: `'trusted'`, or its error code, such as `'CERT_REVOKED'`. It exists only at the handshake:
 * `'not-asked'` for a connection that is judged again.
 */
export type OpensslVerdict = 'trusted' | 'not-asked' | { readonly error: string };

/** What clients are judged by: the CRLs in force, `undefined` if none are configured, and the certificate policy. */
export interface Measures {
  readonly revocation: RevocationChecker | undefined;
  readonly certificates: CompleteCertificatePolicy;
  /** The options that they come from, for remedies; by default those of clients. */
  readonly options?: TrustOptions | undefined;
}

/** The names of the checks. */
export type CheckName = 'dates' | 'chain' | 'path' | 'revocation' | 'purpose' | 'key' | 'openssl';

/** Whether another certification path could change the result of a check. */
export const dependsOnPath: Readonly<Record<CheckName, boolean>> = {
  dates: true,
  chain: true,
  path: true,
  revocation: true,
  purpose: false,
  key: true,
  openssl: false,
};

/** The input of the checks. */
interface Case extends Presented {
  readonly measures: Measures;
  readonly status: CertificateStatus | undefined;
  readonly policies: PolicyOutcome;
  readonly comparisons: ComparisonBudget;
  readonly at: Date;
}

type Check = (of: Case) => Refusal | undefined;

/** In the order in which they run: the first that refuses provides the reason. */
const checks = Object.entries({
  dates: ({ certificate, chain, at }) => checkDates(chain ?? [certificate], at),
  chain: checkTrust,
  path: ({ certificate, chain, policies, comparisons }) =>
    checkPath(chain ?? [certificate], policies, comparisons),
  revocation: ({ certificate, status, measures }) => status && checkStatus(status, certificate, measures),
  purpose: ({ certificate, measures }) => checkPurpose(certificate, measures.certificates),
  key: ({ certificate, chain, measures }) => checkKeys(chain ?? [certificate], measures.certificates),
  // Last, because OpenSSL reports the last fault that it saw, which may not be the relevant one.
  openssl: ({ openssl }) =>
    typeof openssl === 'object'
      ? refuseForOpenssl(openssl.error, ', and every check of this package passed')
      : undefined,
} satisfies Readonly<Record<CheckName, Check>>) as readonly (readonly [CheckName, Check])[];
const afterRevocation = checks.slice(checks.findIndex(([name]) => name === 'revocation') + 1);

/** The verdict on one path. */
export interface PathVerdict {
  readonly chain: CertificateChain | undefined;
  /** `undefined` if the path passes every check. */
  readonly refusal: Refusal | undefined;
  /** The check that failed. */
  readonly failed: CheckName | undefined;
  /** How many checks passed. */
  readonly passed: number;
  readonly status: CertificateStatus | undefined;
  /** The certificate policies for which the path is valid. */
  readonly policies: readonly string[];
  /** How long the verdict is valid if nothing is reloaded, in milliseconds since 1970. */
  readonly until: number;
  /** The certificates that no CRL in force covers, if every other check passes. */
  readonly uncovered: readonly Certificate[];
}

const noPolicies: readonly string[] = Object.freeze([]);
const none: readonly Certificate[] = Object.freeze([]);

/** Judges one path. */
export function judgePath(presented: Presented, measures: Measures, at: Date): PathVerdict {
  const of = caseOf(presented, measures, at);
  let refusal: Refusal | undefined;
  let failed: CheckName | undefined;
  let passed = 0;
  for (const [name, check] of checks) {
    refusal = check(of);
    if (refusal !== undefined) {
      failed = name;
      break;
    }
    passed++;
  }
  const { certificate, chain, status, policies } = of;
  const lastDay = Math.min(...(chain ?? [certificate]).map(({ notAfter }) => notAfter.getTime()));
  const until = Math.min(lastDay, status?.status === 'good' ? status.until : Infinity);
  const uncovered = uncoveredIn(of, failed);
  return {
    chain,
    refusal,
    failed,
    passed,
    status,
    policies: policies.policies ?? noPolicies,
    until,
    uncovered,
  };
}

/** The certificates whose CRLs would decide: from the first one that is unknown up to the root. */
function uncoveredIn(of: Case, failed: CheckName | undefined): readonly Certificate[] {
  const { status, chain = none, measures } = of;
  if (status?.status === 'good') return failed === undefined ? status.uncovered : none;
  if (failed !== 'revocation' || status?.status !== 'unknown') return none;
  if (afterRevocation.some(([, check]) => check(withoutCrlErrors(of)) !== undefined)) return none;
  const last = measures.revocation?.policy.scope === 'leaf' ? 1 : -1;
  return chain.slice(chain.indexOf(status.certificate), last);
}

/** OpenSSL misses the same CRL. */
function withoutCrlErrors(of: Case): Case {
  const { openssl } = of;
  const isOfCrl = typeof openssl === 'object' && opensslReasons[openssl.error] === 'revocation-unknown';
  return isOfCrl ? { ...of, openssl: 'not-asked' } : of;
}

/** The results of all checks, not only up to the first failure, and the status by the CRLs. */
export interface Findings {
  readonly findings: readonly { readonly check: CheckName; readonly refusal: Refusal | undefined }[];
  readonly status: CertificateStatus | undefined;
  readonly policies: readonly string[];
}

/** Runs every check on one path. */
export function inspectPath(presented: Presented, measures: Measures, at: Date): Findings {
  const of = caseOf(presented, measures, at);
  const { status, policies } = of;
  return {
    findings: checks.map(([check, run]) => ({ check, refusal: run(of) })),
    status,
    policies: policies.policies ?? noPolicies,
  };
}

function caseOf(presented: Presented, measures: Measures, at: Date): Case {
  const { certificate, chain, others, openssl, missing, cas } = presented;
  const status = chain && measures.revocation?.checkChain(chain, at);
  const policies = processPolicies(chain ?? [certificate], measures.certificates.policies);
  const comparisons = { left: maxComparisons };
  // Not `...presented`, for which V8 would make a hidden class for each object.
  return { certificate, chain, others, openssl, missing, cas, measures, status, policies, comparisons, at };
}

const pathReasons: Readonly<Record<PathFault['kind'], RefusalReason>> = {
  role: 'untrusted',
  issuer: 'not-permitted',
  extension: 'unsupported-extension',
  signature: 'weak-signature',
};

/** Converts a fault of a path to a refusal. */
export function refuseForPath({ kind, seen, remedy }: PathFault): Refusal {
  return refuse(pathReasons[kind], seen, { remedy });
}

function checkPath(
  chain: CertificateChain,
  policies: PolicyOutcome,
  comparisons: ComparisonBudget,
): Refusal | undefined {
  const fault = faultOfPath(chain, { purpose: purposes.clientAuth, comparisons });
  if (fault !== undefined) return refuseForPath(fault);
  if (policies.fault === undefined) return undefined;
  const { certificate, fault: seen } = policies;
  const which = certificate === chain[0] ? 'it' : `"${describeName(certificate.subject)}", a CA above it,`;
  return refuse('not-permitted', `${which} ${seen}`, {
    remedy:
      'reissue the certificate under the certificate policies that its CAs and certificates.policies require',
  });
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

function checkTrust(of: Case): Refusal | undefined {
  const { certificate, chain, others = none, cas = none, openssl, missing = 'name', measures } = of;
  if (chain !== undefined) return undefined;
  const { options = optionsOfClients } = measures;
  return refuseUnlinked({ missing, certificate, others, cas, options, openssl });
}

function checkStatus(
  status: CertificateStatus,
  leaf: Certificate,
  { options = optionsOfClients }: Measures,
): Refusal | undefined {
  if (status.status === 'good') return undefined;
  const { certificate } = status;
  const which = certificate === leaf ? 'it' : `"${describeName(certificate.subject)}", a CA above it,`;
  if (status.status === 'unknown')
    return refuse('revocation-unknown', ...describeUnknown(which, status.cause, certificate, options));
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
  { ca, crl }: TrustOptions,
): [detail: string, { readonly remedy: string }] {
  const issuer = describeName(certificate.issuer);
  const causes: Readonly<Record<UnknownCause, readonly [seen: string, remedy: string]>> = {
    'no-crl': [`no CRL of "${issuer}" is loaded`, `add it to ${crl}`],
    'out-of-scope': [
      `the CRLs of "${issuer}" do not cover it`,
      'add the CRL for its distribution point, or the one signed with the key that issued it',
    ],
    'crl-expired': [`the CRL of "${issuer}" is past its nextUpdate`, 'publish a newer CRL'],
    'crl-unconfirmed': [
      `the source of the CRL of "${issuer}" has not confirmed it for longer than revocation.maxAgeMs`,
      'see in mtls.faults why the source does not answer',
    ],
    'no-issuer': [`"${issuer}" is not one of the configured CAs`, `add it to ${ca}`],
  };
  const [seen, remedy] = causes[cause];
  return [`${which} cannot be checked for revocation: ${seen}`, { remedy }];
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

/** Converts an error code of OpenSSL to a refusal, if nothing more precise is known. */
export function refuseForOpenssl(code: string, addition = ''): Refusal {
  return refuse(opensslReasons[code] ?? 'untrusted', `OpenSSL says ${code}${addition}`);
}
