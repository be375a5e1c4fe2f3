/**
 * Combines CRLs that were read with those in force: each newer CRL takes effect independently, and rollbacks are
 * rejected.
 *
 * @module
 */
import { coverageOf } from '../revocation/crl-coverage.js';
import { type Confirmations } from '../revocation/confirmations.js';
import { compareCrls, type CrlDiff, type ScopedEntries } from '../revocation/crl-diff.js';
import { findRollbacks, newestOfEachScope, type Rollback, scopeKey } from '../revocation/crl-set.js';
import { RevocationChecker } from '../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { freshUntil, type PackedCrl, unpackCrl, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type CertificateStore, isSameCa } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { type CrlResponse } from './crl-loading.js';
import { faultOf, type SourceFault } from './source-fault.js';

/** CRLs that were loaded, and those that were in force when loading began. */
export interface ArrivedCrls {
  readonly response: CrlResponse;
  readonly known: readonly VerifiedCrl[];
}

/** The inputs of a change. */
export interface CrlCombination {
  readonly arrived: readonly ArrivedCrls[];
  /** Whether a source held the CRL with this digest when it was last read. */
  readonly isGiven: (digest: string) => boolean;
  /** Whether every source has been read. Only then can a CRL count as removed. */
  readonly isComplete: boolean;
  /** The CAs that come into force with the change. A CRL of another CA waits. */
  readonly store: CertificateStore;
  readonly before: RevocationChecker | undefined;
  readonly policy: CompleteRevocationPolicy;
  readonly at: Date;
  /** When sources last confirmed CRLs; `undefined` if that does not matter. */
  readonly confirmations: Confirmations | undefined;
  /** Whether the full CRLs of deltas are elsewhere, and not compared here. */
  readonly areBasesElsewhere?: boolean;
}

/** The CRLs that come into force. */
export interface CrlChange {
  /** The checker in force, if nothing changes. */
  readonly revocation: RevocationChecker;
  readonly diff: CrlDiff;
  /** The rejected rollbacks. */
  readonly faults: readonly SourceFault[];
  /** The digests of the CRLs that were rejected; `undefined` for one that was removed without a replacement. */
  readonly rejected: readonly (string | undefined)[];
}

/** Computes the change. */
export function combineCrls(given: CrlCombination): CrlChange {
  const { arrived, isGiven, isComplete, store, before, policy, at } = given;
  const known = (before?.crls ?? []).filter(({ signer }) => isConfigured(signer, store));
  const read = arrived.flatMap((one) => unpackAll(one, known, store, at));
  const staying = known.filter(({ digest }) => isGiven(digest));
  const next = [...new Map([...read, ...staying].map((crl) => [crl.digest, crl])).values()];
  const left = known.filter((crl) => !next.includes(crl));
  const rollbacks = isComplete ? rollbacksIn(left, next, given) : [];
  const kept = isComplete ? rollbacks.map(({ old }) => old) : left;
  const refused = rollbacks.map(({ replacement }) => replacement);
  const crls = newestOfEachScope([...next.filter((crl) => !refused.includes(crl)), ...kept]);
  const faults = rollbacks.map(({ old, error }) => faultOf(old.origin, error));
  const rejected = refused.map((replacement) => replacement?.digest);
  if (
    before?.store === store &&
    before.crls.length === crls.length &&
    crls.every((crl) => known.includes(crl))
  )
    return { revocation: before, diff: { added: 0, removed: 0 }, faults, rejected };
  const diff =
    kept.length > 0
      ? compareCrls(known.map(entriesOf), crls.map(entriesOf)).diff
      : sumOf(arrived.map(({ response }) => response.diff));
  const revocation = new RevocationChecker(crls, store, policy, given.confirmations);
  return { revocation, diff, faults, rejected };
}

function rollbacksIn(
  left: readonly VerifiedCrl[],
  crls: readonly VerifiedCrl[],
  { arrived, store, policy, at, areBasesElsewhere = false }: CrlCombination,
): Rollback[] {
  const checker = new RevocationChecker(crls, store, policy);
  return findRollbacks(left, {
    crls,
    shrunk: arrived.flatMap(({ response }) => response.shrunk),
    isConfigured: (ca) => isConfigured(ca, store),
    isSuccessor: (ca, old) => isSuccessor(ca, old, store, at),
    isStale: (one) => freshUntil(one, policy) <= at.getTime(),
    areBasesElsewhere,
    canSpareIndirect: () => policy.unknown === 'deny' && checker.uncoveredCas(at).length === 0,
  });
}

/** The CRLs of a response whose CAs are configured. Unchanged CRLs keep their object and their load time. */
function unpackAll(
  { response, known }: ArrivedCrls,
  inForce: readonly VerifiedCrl[],
  store: CertificateStore,
  at: Date,
): VerifiedCrl[] {
  return (response.crls ?? []).flatMap((crl) => {
    if (!('unchanged' in crl)) return signerIn(store, crl) === undefined ? [] : unpackCrl(crl, store, at);
    const same = ({ digest }: VerifiedCrl): boolean => digest === crl.unchanged;
    const one = inForce.find(same) ?? known.find(same);
    return one !== undefined && isConfigured(one.signer, store) ? one : [];
  });
}

/** The digests of the CRLs in a response whose CAs are not in a store. */
export function waitingIn(store: CertificateStore, { crls = [] }: CrlResponse): string[] {
  return crls.flatMap((crl) => ('unchanged' in crl || signerIn(store, crl) !== undefined ? [] : crl.digest));
}

/** The certificate of the CA that signed a CRL, if the store has it. */
function signerIn(store: CertificateStore, { signer }: PackedCrl): Certificate | undefined {
  return store.certificates.find(({ raw }) => raw.equals(signer));
}

/** The form in which CRLs are compared. */
export function entriesOf(one: VerifiedCrl): ScopedEntries {
  const { digest, index } = one;
  return { scope: scopeKey(one), coverage: coverageOf(one, index.data), digest, index: index.data };
}

/** Adds up differences. */
export function sumOf(diffs: readonly CrlDiff[]): CrlDiff {
  return diffs.reduce(
    (sum, { added, removed }) => ({ added: sum.added + added, removed: sum.removed + removed }),
    { added: 0, removed: 0 },
  );
}

/** Whether a CA is configured, with this certificate or another one with the same key. */
function isConfigured(ca: Certificate, store: CertificateStore): boolean {
  return store.ofKey(ca).length > 0;
}

/** Whether one key of a CA is newer than another, by the earliest certificate of each. */
function isSuccessor(ca: Certificate, old: Certificate, store: CertificateStore, at: Date): boolean {
  const isSame = store
    .chainsOf(ca, at)
    .some((left) => store.chainsOf(old, at).some((right) => isSameCa(left, right)));
  return isSame && firstDayOf(ca, store) > firstDayOf(old, store);
}

function firstDayOf(ca: Certificate, store: CertificateStore): number {
  return Math.min(...store.ofKey(ca).map(({ notBefore }) => notBefore.getTime()));
}
