/**
 * Which path a client is judged by: of all that lead from its certificate to a
 * trust anchor the first that satisfies every check, or the one that came furthest.
 *
 * @module
 */
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type CertificateChain, type CertificateStore } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { keyIdentifiersAgree } from '../x509/issuance.js';
import { faultOfIssuer, maxComparisons } from '../x509/path-rules.js';
import { PathSearch, reasonLimits } from '../x509/path-search.js';
import { purposes } from '../x509/purpose.js';
import { judgePath, type Measures, type OpensslVerdict, type PathVerdict } from './judgement.js';
import { type MissingLink } from './missing-link.js';

/** The CAs and CRLs that clients are judged by. */
export interface Trust {
  readonly store: CertificateStore;
  /** `undefined`: no CRL was configured. */
  readonly revocation: RevocationChecker | undefined;
}

/** A client's certificate, and what came with it. */
interface Candidate {
  readonly certificate: Certificate;
  readonly others: readonly Certificate[];
  readonly openssl: OpensslVerdict;
}

/** The path that decides, and the others that were looked at. */
export interface PathChoice {
  readonly best: PathVerdict;
  /** Those that failed as well, in the order in which they were looked at. */
  readonly others: readonly PathVerdict[];
  /** What is missing where there is no path. */
  readonly missing: MissingLink | undefined;
  /** Whether there may be more paths than were looked at. */
  readonly isPartial: boolean;
  /** How many signatures were verified in vain. */
  readonly failedSignatures: number;
}

// Each of them fails, and is looked at for the sake of the reason alone.
const maxFailing = 8;

/** Chooses the path of a client. */
export function choosePath(
  candidate: Candidate,
  store: CertificateStore,
  measures: Measures,
  at: Date,
): PathChoice {
  const { certificate, others, openssl } = candidate;
  const search = new PathSearch(store, others, typeof openssl === 'object' ? reasonLimits : undefined);
  const judged: PathVerdict[] = [];
  let missing: MissingLink | undefined;
  const judge = (chain: CertificateChain | undefined): PathVerdict => {
    const verdict = judgePath({ certificate, chain, others, openssl, missing }, measures, at);
    judged.push(verdict);
    return verdict;
  };
  const needs = { purpose: purposes.clientAuth, comparisons: { left: maxComparisons } };
  const mayStandAbove = (below: CertificateChain, ca: Certificate): boolean =>
    ca.notBefore <= at && at < ca.notAfter && faultOfIssuer(below, ca, needs) === undefined;
  for (const chain of search.from(certificate, mayStandAbove)) {
    const verdict = judge(chain);
    if (verdict.refusal === undefined)
      return {
        best: verdict,
        others: [],
        missing,
        isPartial: false,
        failedSignatures: search.failedSignatures,
      };
    const { failed, status } = verdict;
    // What OpenSSL says, and what the certificate itself says it is for, is the same on every path.
    if (failed === 'openssl' || failed === 'purpose') break;
    if (status === undefined || status.status === 'good') continue;
    // Revoked on this path is revoked on every path. Of a CA above it, there may be another certificate.
    if (status.certificate === certificate) break;
    search.avoid(status.certificate);
  }
  // None: which rule stands against them?
  const failing = judged.length === 0 ? search.from(certificate) : [];
  let hasMore = false;
  for (const chain of failing) {
    hasMore = judged.length === maxFailing;
    if (hasMore) break;
    judge(chain);
  }
  if (judged.length === 0) {
    missing = missingFor(certificate, store, search);
    judge(undefined);
  }
  const best = judged.reduce((one, other) => (other.passed > one.passed ? other : one));
  return {
    best: search.isExhausted ? asPartial(best) : best,
    others: judged.filter((one) => one !== best),
    missing,
    isPartial: hasMore || search.isExhausted,
    // Without a path to a trust anchor, those of certificates that came along led nowhere, too.
    failedSignatures: missing === undefined ? search.failedSignatures : search.verifiedSignatures,
  };
}

/** Adds to a refusal that a limit of the search was reached. */
function asPartial(verdict: PathVerdict): PathVerdict {
  const { refusal } = verdict;
  if (refusal === undefined) return verdict;
  const detail = `${refusal.detail}; the limit of what is tried for one client was reached, and there may be other paths`;
  return { ...verdict, refusal: Object.freeze({ ...refusal, detail }) };
}

function missingFor(certificate: Certificate, store: CertificateStore, search: PathSearch): MissingLink {
  if (search.isExhausted) return 'budget';
  const named = store.named(certificate.issuer.canonical);
  if (named.length === 0) return 'name';
  const isOfOtherKey = ({ subjectKeyId }: Certificate): boolean =>
    !keyIdentifiersAgree(certificate.authorityKeyId, subjectKeyId);
  if (named.every(isOfOtherKey)) return 'key';
  if (store.candidatesFor(certificate).length === 0) return 'identifier';
  return search.hasIssuer(certificate) ? 'root' : 'signature';
}
