/**
 * The CRLs in force: verified, the newest of each scope, and never older than those they replace.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type Certificate } from '../x509/certificate.js';
import { type CrlHead } from '../x509/crl-head.js';
import { isOlder } from './crl-age.js';
import { areSubjectsCovered, type Coverage, coverageOf, WiderCrls } from './crl-coverage.js';
import { missing, outlived, rollback } from './rollback-errors.js';
import { type VerifiedCrl } from './verified-crl.js';

/** What determines the scope and age of a CRL. */
export interface ScopedHead {
  readonly crl: CrlHead;
  readonly signer: Certificate;
}

/**
 * A text that is equal for two CRLs if the newer replaces the older: same key, same scope, both full or both deltas.
 */
export function scopeKey({ crl, signer }: ScopedHead): string {
  return `${signer.publicKey.toString('base64')} ${scopeOf(crl)}`;
}

/** {@link scopeKey} without the key: the scope of a CRL, whichever key of its issuer signed it. */
export function scopeOf({ deltaBase, issuingDistributionPoint, issuer }: CrlHead): string {
  const scope = issuingDistributionPoint?.der.toString('base64') ?? '';
  return `${deltaBase === undefined ? 'full' : 'delta'} ${scope} ${issuer.canonical}`;
}

/** The scope of the full CRL for a delta; for a full CRL, its own scope. */
function fullScopeOf(crl: CrlHead): string {
  return scopeOf({ ...crl, deltaBase: undefined });
}

/**
 * Keeps the newest CRLs of each scope, independent of their order. Of equally old CRLs all are kept, and a
 * certificate that any of them lists is revoked. Deltas to different bases are all kept too, because the newest may
 * not fit the full CRL that is loaded. A delta is dropped once a full CRL includes it.
 */
export function newestOfEachScope<Scoped extends ScopedHead>(crls: readonly Scoped[]): Scoped[] {
  const newest = new Map<string, Scoped[]>();
  for (const candidate of crls) {
    const key = `${scopeKey(candidate)} ${candidate.crl.deltaBase ?? ''}`;
    const known = newest.get(key) ?? [];
    if (known.some(({ crl }) => isOlder(candidate.crl, crl))) continue;
    newest.set(key, [...known.filter(({ crl }) => !isOlder(crl, candidate.crl)), candidate]);
  }
  const kept = [...newest.values()].flat();
  return kept.filter((one) => one.crl.deltaBase === undefined || !isMerged(one, kept));
}

/** The CRLs that would come into force, and their context. */
export interface Replacement {
  readonly crls: readonly VerifiedCrl[];
  /**
   * The scopes, as {@link scopeKey} formats them, that lost an entry: no CRL by the same key lists it any more,
   * neither in that scope nor in a wider one.
   */
  readonly shrunk: readonly string[];
  /** Whether a CA, or another certificate with its key, is still configured after the change. */
  readonly isConfigured: (ca: Certificate) => boolean;
  /** Whether the key of the first CA is the successor of the key of the second. */
  readonly isSuccessor: (ca: Certificate, old: Certificate) => boolean;
  /** Whether a CRL is stale according to the policy. */
  readonly isStale: (crl: CrlHead) => boolean;
  /**
   * Whether an indirect CRL without entries of other issuers can be dropped: no certificate would be admitted by
   * that.
   */
  readonly canSpareIndirect: () => boolean;
  /** Whether the full CRLs of deltas are elsewhere. A delta then counts as usable without one. */
  readonly areBasesElsewhere?: boolean;
}

/** A CRL in force, and a replacement that is rejected. */
export interface Rollback {
  readonly old: VerifiedCrl;
  /** The replacement; `undefined` if there is none. */
  readonly replacement: VerifiedCrl | undefined;
  /** `ERR_MTLS_CRL_ROLLBACK`. */
  readonly error: MtlsError;
}

/**
 * Finds the CRLs in force that a change would roll back: to a lower CRL number, to an earlier thisUpdate, to an
 * equally old CRL or a stale delta with fewer entries, or to none while the CA is still trusted. These removals are
 * allowed: a delta, once a full CRL has at least its number; the CRL of an old key of a CA, once the CRL of the new
 * key is at least as recent; and any CRL, once full CRLs that were issued later cover its whole scope.
 */
export function findRollbacks(inForce: readonly VerifiedCrl[], next: Replacement): Rollback[] {
  const kept = new Set(next.crls.map(({ digest }) => digest));
  const gone = inForce.filter(({ digest, signer }) => !kept.has(digest) && next.isConfigured(signer));
  if (gone.length === 0) return [];
  const byScope = groupBy(next.crls, scopeKey);
  const takeover = new Takeover(next, byScope);
  return gone.flatMap((old) => rollbackOf(old, next, byScope, takeover) ?? []);
}

function rollbackOf(
  old: VerifiedCrl,
  next: Replacement,
  byScope: ReadonlyMap<string, readonly VerifiedCrl[]>,
  takeover: Takeover,
): Rollback | undefined {
  if (old.crl.deltaBase !== undefined && isMergedAnew(old, next)) return undefined;
  const sameKey = byScope.get(scopeKey(old));
  const replacements = sameKey ?? next.crls.filter((crl) => isOfNewKey(crl, old, next));
  const replacement = newestOf(
    replacements.filter((crl) => next.areBasesElsewhere === true || isUsable(crl, next.crls)),
  );
  if (replacement === undefined) {
    const error = takeover.faultUnlessCovered(old);
    return error && { old, replacement, error };
  }
  const isAsOld = !isOlder(old.crl, replacement.crl);
  const lowerNumber = (replacement.crl.number ?? 0n) < (old.crl.number ?? 0n);
  const isBefore = lowerNumber || replacement.crl.thisUpdate < old.crl.thisUpdate;
  const listsLess = next.shrunk.includes(scopeKey(old));
  return isBefore || (listsLess && (isAsOld || isStaleDelta(replacement, next)))
    ? { old, replacement, error: rollback(old, replacement) }
    : undefined;
}

/** Whether a delta is stale. It then lifts no hold, neither by an entry nor by omission. */
function isStaleDelta({ crl }: VerifiedCrl, { isStale }: Replacement): boolean {
  return crl.deltaBase !== undefined && isStale(crl);
}

/** A CRL and its coverage. */
interface DescribedCrl {
  readonly verified: VerifiedCrl;
  readonly coverage: Coverage;
}

/** What a set of CRLs covers. */
interface Covered {
  readonly wider: WiderCrls<DescribedCrl>;
  /** The pairs of key and issuer that have a CRL. */
  readonly speaking: ReadonlySet<string>;
}

/**
 * Decides whether full CRLs of wider scopes can replace a CRL that was removed. CRL numbers count within one scope
 * (RFC 5280 section 5.2.3), so only thisUpdate is compared.
 */
class Takeover {
  readonly #next: Replacement;
  readonly #byScope: ReadonlyMap<string, readonly VerifiedCrl[]>;
  #covered: Covered | undefined;

  constructor(next: Replacement, byScope: ReadonlyMap<string, readonly VerifiedCrl[]>) {
    this.#next = next;
    this.#byScope = byScope;
  }

  /** The CRLs after the change, by coverage. Computed on first use, because it is rarely needed. */
  #describe(): Covered {
    if (this.#covered !== undefined) return this.#covered;
    const described = this.#next.crls.map(describeCoverage);
    const speaking = new Set(described.map(({ coverage: { issuer, key } }) => `${key} ${issuer}`));
    this.#covered = { wider: new WiderCrls(described), speaking };
    return this.#covered;
  }

  faultUnlessCovered(old: VerifiedCrl): MtlsError | undefined {
    const { coverage } = describeCoverage(old);
    const wider = this.#describe()
      .wider.around(coverage)
      .filter((wide) => this.#mayReplace(wide, old, coverage));
    const later = wider.filter(({ verified }) => this.#isLater(verified, old));
    if (isCoveredBy(coverage, later)) return undefined;
    const tooEarly = wider.find((wide) => !later.includes(wide));
    return tooEarly !== undefined && isCoveredBy(coverage, wider)
      ? outlived(old, tooEarly.verified)
      : missing(old);
  }

  #mayReplace({ verified, coverage: wide }: DescribedCrl, old: VerifiedCrl, narrow: Coverage): boolean {
    // Within a scope, CRL numbers decide.
    if (fullScopeOf(verified.crl) === fullScopeOf(old.crl)) return false;
    if (narrow.others !== 'none' && wide.others === 'none' && !this.#next.canSpareIndirect()) return false;
    if (wide.key === narrow.key) return true;
    // Beside another CRL by the old key, one by the new key may have no authority (see voiceOf).
    const { isSuccessor } = this.#next;
    return (
      !this.#describe().speaking.has(`${narrow.key} ${narrow.issuer}`) &&
      isSuccessor(verified.signer, old.signer)
    );
  }

  /** Whether a full CRL, with its deltas, was issued after another CRL, or lists everything that one lists. */
  #isLater(full: VerifiedCrl, old: VerifiedCrl): boolean {
    const listsLess = this.#next.shrunk.includes(scopeKey(old));
    const knownUntil = this.#knownUntil(full);
    const thisUpdate = old.crl.thisUpdate.getTime();
    return listsLess ? knownUntil > thisUpdate : knownUntil >= thisUpdate;
  }

  #knownUntil({ crl, signer }: VerifiedCrl): number {
    const deltas = this.#byScope.get(scopeKey({ crl: { ...crl, deltaBase: 0n }, signer })) ?? [];
    const applied = deltas.filter((delta) => isBasedOn(delta.crl, crl) && !this.#next.isStale(delta.crl));
    return Math.max(
      ...[crl, ...applied.map((delta) => delta.crl)].map(({ thisUpdate }) => thisUpdate.getTime()),
    );
  }
}

function describeCoverage(verified: VerifiedCrl): DescribedCrl {
  return { verified, coverage: coverageOf(verified, verified.index.data) };
}

function isCoveredBy(coverage: Coverage, crls: readonly DescribedCrl[]): boolean {
  return (
    crls.length > 0 &&
    areSubjectsCovered(
      coverage,
      crls.map((each) => each.coverage),
    )
  );
}

function groupBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Map<string, Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

function isOfNewKey({ crl, signer }: VerifiedCrl, old: VerifiedCrl, { isSuccessor }: Replacement): boolean {
  return scopeOf(crl) === scopeOf(old.crl) && isSuccessor(signer, old.signer);
}

/** Whether a full CRL, by the key of a delta or by a newer key of its CA, includes the delta. */
function isMergedAnew(delta: VerifiedCrl, next: Replacement): boolean {
  if (isMerged(delta, next.crls)) return true;
  const asFull = { ...delta, crl: { ...delta.crl, deltaBase: undefined } };
  const ofNewKey = next.crls.filter((crl) => isOfNewKey(crl, asFull, next));
  return ofNewKey.some(({ crl }) => hasCaughtUp(crl, delta.crl));
}

/** Whether a full CRL includes a delta: by number, or by date if the delta has no number. */
function hasCaughtUp(full: CrlHead, delta: CrlHead): boolean {
  if (delta.number === undefined) return full.thisUpdate >= delta.thisUpdate;
  return full.number !== undefined && full.number >= delta.number;
}

function newestOf(crls: readonly VerifiedCrl[]): VerifiedCrl | undefined {
  return crls.find(({ crl }) => !crls.some((other) => isOlder(crl, other.crl)));
}

/** Whether a full CRL of the same CA includes a delta. */
function isMerged(delta: ScopedHead, next: readonly ScopedHead[]): boolean {
  return fullOf(delta, next).some(({ crl }) => hasCaughtUp(crl, delta.crl));
}

/** Whether a CRL can be used: a delta needs a full CRL to be combined with. */
function isUsable(delta: VerifiedCrl, next: readonly VerifiedCrl[]): boolean {
  const { crl } = delta;
  return crl.deltaBase === undefined || fullOf(delta, next).some((full) => isBasedOn(crl, full.crl));
}

/** Whether a delta can be combined with a full CRL of its scope. */
function isBasedOn({ deltaBase = 0n }: CrlHead, { number = -1n }: CrlHead): boolean {
  return number >= deltaBase;
}

/** The full CRLs with the same key and scope. */
function fullOf({ crl, signer }: ScopedHead, crls: readonly ScopedHead[]): ScopedHead[] {
  const key = scopeKey({ crl: { ...crl, deltaBase: undefined }, signer });
  return crls.filter((other) => other.crl.deltaBase === undefined && scopeKey(other) === key);
}
