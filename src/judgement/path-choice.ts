/**
 * Chooses the certification path by which a client is judged: the first that passes every check, or else the one that
 * passes the most checks.
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
import {
  dependsOnPath,
  judgePath,
  type Measures,
  type OpensslVerdict,
  type PathVerdict,
} from './judgement.js';
import { type MissingLink } from './missing-link.js';

/** The CAs and CRLs that clients are judged by. */
export interface Trust {
  readonly store: CertificateStore;
  /** `undefined` if no CRL is configured. */
  readonly revocation: RevocationChecker | undefined;
}

/** A client certificate, and the other certificates that the client sent. */
interface Candidate {
  readonly certificate: Certificate;
  readonly others: readonly Certificate[];
  readonly openssl: OpensslVerdict;
}

/** The path that decides, and the other paths that were checked. */
export interface PathChoice {
  readonly best: PathVerdict;
  /** The other paths that failed, in the order in which they were checked. */
  readonly others: readonly PathVerdict[];
  /** What is missing if there is no path. */
  readonly missing: MissingLink | undefined;
  /** Whether there may be further paths. */
  readonly isPartial: boolean;
  /** How many signatures failed to verify. */
  readonly failedSignatures: number;
}

// Failing paths are only checked to find the reason, so a few are enough.
const maxFailing = 8;

/** Chooses the path of a client. */
export function choosePath(
  candidate: Candidate,
  store: CertificateStore,
  measures: Measures,
  at: Date,
): PathChoice {
  const { certificate, others, openssl } = candidate;
  const { certificates: cas } = store;
  const search = new PathSearch(store, others, typeof openssl === 'object' ? reasonLimits : undefined);
  const judged: PathVerdict[] = [];
  let missing: MissingLink | undefined;
  const judge = (chain: CertificateChain | undefined): PathVerdict => {
    const verdict = judgePath({ certificate, chain, others, openssl, missing, cas }, measures, at);
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
    if (failed !== undefined && !dependsOnPath[failed]) break;
    if (status === undefined || status.status === 'good') continue;
    // The certificate is revoked on every path. A CA above it may have another certificate.
    if (status.certificate === certificate) break;
    search.avoid(status.certificate);
  }
  // If no path was found, check those that violate a rule, to find the reason.
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

/** Adds to a refusal that the limit of the search was reached. */
function asPartial(verdict: PathVerdict): PathVerdict {
  const { refusal } = verdict;
  if (refusal === undefined) return verdict;
  const detail = `${refusal.detail}; the limit for one client was reached, so there may be other paths`;
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
