/**
 * The CRLs in force: verified, one for each scope, and never older than those
 * they replace.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type Certificate } from '../x509/certificate.js';
import { type CrlHead } from '../x509/crl-head.js';
import { describeCrl, type VerifiedCrl } from './verified-crl.js';

/** What tells a CRL's scope and age. */
export interface ScopedHead {
  readonly crl: CrlHead;
  readonly signer: Certificate;
}

/** Text that two CRLs share if the later one replaces the earlier: same key, same scope, both full or both deltas. */
export function scopeKey({ crl, signer }: ScopedHead): string {
  const scope = crl.issuingDistributionPoint?.der.toString('base64') ?? '';
  const kind = crl.deltaBase === undefined ? 'full' : 'delta';
  return `${kind} ${signer.publicKey.toString('base64')} ${scope} ${crl.issuer.canonical}`;
}

/**
 * Keeps the newest CRL of each scope: two that stand side by side must not be decided by their order. Two of which
 * neither is older are both kept, and what either lists is revoked. So are deltas to different bases: the newest
 * may be one that cannot be combined with the full CRL that is here.
 */
export function newestOfEachScope<Scoped extends ScopedHead>(crls: readonly Scoped[]): Scoped[] {
  const newest = new Map<string, Scoped[]>();
  for (const candidate of crls) {
    const key = `${scopeKey(candidate)} ${candidate.crl.deltaBase ?? ''}`;
    const known = newest.get(key) ?? [];
    if (known.some(({ crl }) => isOlder(candidate.crl, crl))) continue;
    newest.set(key, [...known.filter(({ crl }) => !isOlder(crl, candidate.crl)), candidate]);
  }
  return [...newest.values()].flat();
}

/** Whether `left` was issued before `right`: by CRL number where both have one, then by thisUpdate. */
export function isOlder(left: CrlHead, right: CrlHead): boolean {
  if (left.number !== undefined && right.number !== undefined && left.number !== right.number) {
    return left.number < right.number;
  }
  return left.thisUpdate < right.thisUpdate;
}

/** What would come into force, and what it would cost. */
export interface Replacement {
  readonly crls: readonly VerifiedCrl[];
  /** How many certificates would be listed no more. */
  readonly removed: number;
  /** Whether a CA is among the configured ones after the change. */
  readonly isConfigured: (ca: Certificate) => boolean;
}

/**
 * Refuses to go back.
 * @throws MtlsError `ERR_MTLS_CRL_ROLLBACK` for a lower CRL number, an earlier thisUpdate, a list as old as the one
 *   in force that lists less, and a CRL that is gone while its CA is still trusted; a delta may go when a full CRL
 *   of at least its number has come.
 */
export function refuseRollback(inForce: readonly VerifiedCrl[], next: Replacement): void {
  for (const old of inForce) {
    const replacements = next.crls.filter((crl) => scopeKey(crl) === scopeKey(old));
    if (replacements.some(({ digest }) => digest === old.digest) || !next.isConfigured(old.signer)) continue;
    if (old.crl.deltaBase !== undefined && isMerged(old, next.crls)) continue;
    const replacement = newestOf(replacements.filter((crl) => isUsable(crl, next.crls)));
    if (replacement === undefined) throw missing(old);
    const isAsOld = !isOlder(old.crl, replacement.crl);
    const lowerNumber = (replacement.crl.number ?? 0n) < (old.crl.number ?? 0n);
    const isBefore = lowerNumber || replacement.crl.thisUpdate < old.crl.thisUpdate;
    if (isBefore || (isAsOld && next.removed > 0)) throw rollback(old, replacement);
  }
}

function newestOf(crls: readonly VerifiedCrl[]): VerifiedCrl | undefined {
  return crls.find(({ crl }) => !crls.some((other) => isOlder(crl, other.crl)));
}

/** Whether a full CRL of the same CA says by now what a delta said. */
function isMerged(delta: VerifiedCrl, next: readonly VerifiedCrl[]): boolean {
  return fullOf(delta, next).some(({ crl }) => (crl.number ?? -1n) >= (delta.crl.number ?? 0n));
}

/** Whether a delta has a full CRL to stand on. */
function isUsable(crl: VerifiedCrl, next: readonly VerifiedCrl[]): boolean {
  const base = crl.crl.deltaBase;
  return base === undefined || fullOf(crl, next).some(({ crl: full }) => (full.number ?? -1n) >= base);
}

function fullOf({ crl, signer }: VerifiedCrl, crls: readonly VerifiedCrl[]): VerifiedCrl[] {
  return crls.filter(
    (other) =>
      other.crl.deltaBase === undefined &&
      other.signer.publicKey.equals(signer.publicKey) &&
      other.crl.issuer.equals(crl.issuer),
  );
}

function missing({ crl, origin }: VerifiedCrl): MtlsError {
  return new MtlsError(
    'ERR_MTLS_CRL_ROLLBACK',
    `${origin}: the ${describeCrl(crl)} is gone and nothing replaces it; what was in force stays. Publish a newer CRL of that CA`,
  );
}

function rollback(old: VerifiedCrl, replacement: VerifiedCrl): MtlsError {
  return new MtlsError(
    'ERR_MTLS_CRL_ROLLBACK',
    `${replacement.origin}: the ${describeCrl(replacement.crl)} is older than the ${describeCrl(old.crl)} in force; ` +
      'what was in force stays. Publish a CRL with a higher number',
  );
}
