/**
 * The CRLs in force: verified, the newest of each scope, and never older than
 * those they replace.
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

/** What tells a CRL's scope and age. */
export interface ScopedHead {
  readonly crl: CrlHead;
  readonly signer: Certificate;
}

/** Text that two CRLs share if the later one replaces the earlier: same key, same scope, both full or both deltas. */
export function scopeKey({ crl, signer }: ScopedHead): string {
  return `${signer.publicKey.toString('base64')} ${scopeOf(crl)}`;
}

/** The same without the key: what a CRL speaks of, whichever key of its issuer signed it. */
export function scopeOf({ deltaBase, issuingDistributionPoint, issuer }: CrlHead): string {
  const scope = issuingDistributionPoint?.der.toString('base64') ?? '';
  return `${deltaBase === undefined ? 'full' : 'delta'} ${scope} ${issuer.canonical}`;
}

/** The scope of the full CRL that a delta goes with; that of a full CRL itself. */
function fullScopeOf(crl: CrlHead): string {
  return scopeOf({ ...crl, deltaBase: undefined });
}

/**
 * Keeps the newest CRL of each scope: two that stand side by side must not be decided by their order. Two of which
 * neither is older are both kept, and what either lists is revoked. So are deltas to different bases: the newest
 * may be one that cannot be combined with the full CRL that is here. A delta that a full CRL has caught up with goes.
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

/** What would come into force, and what it would cost. */
export interface Replacement {
  readonly crls: readonly VerifiedCrl[];
  /**
   * The scopes, as {@link scopeKey} writes them, of which something is listed that is not listed any more: neither in
   * that scope nor by the same key in a wider one.
   */
  readonly shrunk: readonly string[];
  /** Whether a CA, or another certificate of its key, is among the configured ones after the change. */
  readonly isConfigured: (ca: Certificate) => boolean;
  /** Whether a CA has taken the key of the first in place of that of the second. */
  readonly isSuccessor: (ca: Certificate, old: Certificate) => boolean;
  /** Whether a CRL has expired, by the policy. */
  readonly isStale: (crl: CrlHead) => boolean;
  /** Whether an indirect CRL that lists nothing of other issuers can be spared: no certificate would be admitted. */
  readonly canSpareIndirect: () => boolean;
}

/** A CRL in force that what would replace it may not replace. */
export interface Rollback {
  readonly old: VerifiedCrl;
  /** What would replace it; `undefined`: nothing. */
  readonly replacement: VerifiedCrl | undefined;
  /** `ERR_MTLS_CRL_ROLLBACK`. */
  readonly error: MtlsError;
}

/**
 * Finds where a change would go back: a lower CRL number, an earlier thisUpdate, a list as old as the one in force, or
 * an expired delta, that lists less, and a CRL that is gone while its CA is still trusted. A delta may go when a full
 * CRL of at least its number has come, the CRL of an old key of a CA when that of its new key is no older, and any CRL
 * when full CRLs that were issued later speak of everything that it spoke of.
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
  const replacement = newestOf(replacements.filter((crl) => isUsable(crl, next.crls)));
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

/** Whether a delta has expired: it lifts nothing then, neither by an entry nor by leaving one out. */
function isStaleDelta({ crl }: VerifiedCrl, { isStale }: Replacement): boolean {
  return crl.deltaBase !== undefined && isStale(crl);
}

/** A CRL and what it speaks of. */
interface DescribedCrl {
  readonly verified: VerifiedCrl;
  readonly coverage: Coverage;
}

/** What a set of CRLs covers. */
interface Covered {
  readonly wider: WiderCrls<DescribedCrl>;
  /** The issuers and keys that have a CRL. */
  readonly speaking: ReadonlySet<string>;
}

/**
 * Lets full CRLs of wider scopes take the place of one that is gone. CRL numbers count within one scope (RFC 5280
 * section 5.2.3), so that thisUpdate alone tells which of them knows more.
 */
class Takeover {
  readonly #next: Replacement;
  readonly #byScope: ReadonlyMap<string, readonly VerifiedCrl[]>;
  #covered: Covered | undefined;

  constructor(next: Replacement, byScope: ReadonlyMap<string, readonly VerifiedCrl[]>) {
    this.#next = next;
    this.#byScope = byScope;
  }

  /** The CRLs after the change by what they cover, and the issuers and keys that have one. Seldom asked for. */
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
    // Within a scope the numbers decide.
    if (fullScopeOf(verified.crl) === fullScopeOf(old.crl)) return false;
    if (narrow.others !== 'none' && wide.others === 'none' && !this.#next.canSpareIndirect()) return false;
    if (wide.key === narrow.key) return true;
    // Beside another list by the old key, one by the new key may have no say (see voiceOf).
    const { isSuccessor } = this.#next;
    return (
      !this.#describe().speaking.has(`${narrow.key} ${narrow.issuer}`) &&
      isSuccessor(verified.signer, old.signer)
    );
  }

  /** Whether a full CRL, with the deltas that go with it, was issued after another CRL, or lists all that it lists. */
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

/** Whether a full CRL, by the key of a delta or by a newer one of its CA, says by now what the delta said. */
function isMergedAnew(delta: VerifiedCrl, next: Replacement): boolean {
  if (isMerged(delta, next.crls)) return true;
  const asFull = { ...delta, crl: { ...delta.crl, deltaBase: undefined } };
  const ofNewKey = next.crls.filter((crl) => isOfNewKey(crl, asFull, next));
  return ofNewKey.some(({ crl }) => hasCaughtUp(crl, delta.crl));
}

/** Whether a full CRL knows what a delta does: by the numbers, or by the dates where the delta has none. */
function hasCaughtUp(full: CrlHead, delta: CrlHead): boolean {
  if (delta.number === undefined) return full.thisUpdate >= delta.thisUpdate;
  return full.number !== undefined && full.number >= delta.number;
}

function newestOf(crls: readonly VerifiedCrl[]): VerifiedCrl | undefined {
  return crls.find(({ crl }) => !crls.some((other) => isOlder(crl, other.crl)));
}

/** Whether a full CRL of the same CA says by now what a delta said. */
function isMerged(delta: ScopedHead, next: readonly ScopedHead[]): boolean {
  return fullOf(delta, next).some(({ crl }) => hasCaughtUp(crl, delta.crl));
}

/** Whether a delta has a full CRL to stand on. */
function isUsable(delta: VerifiedCrl, next: readonly VerifiedCrl[]): boolean {
  const { crl } = delta;
  return crl.deltaBase === undefined || fullOf(delta, next).some((full) => isBasedOn(crl, full.crl));
}

/** Whether a delta can be combined with a full CRL of its scope. */
function isBasedOn({ deltaBase = 0n }: CrlHead, { number = -1n }: CrlHead): boolean {
  return number >= deltaBase;
}

/** The full CRLs of the same key and scope. */
function fullOf({ crl, signer }: ScopedHead, crls: readonly ScopedHead[]): ScopedHead[] {
  const key = scopeKey({ crl: { ...crl, deltaBase: undefined }, signer });
  return crls.filter((other) => other.crl.deltaBase === undefined && scopeKey(other) === key);
}
