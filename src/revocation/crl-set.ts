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
 * neither is older are both kept, and what either lists is revoked.
 */
export function newestOfEachScope<Scoped extends ScopedHead>(crls: readonly Scoped[]): Scoped[] {
  const newest = new Map<string, Scoped[]>();
  for (const candidate of crls) {
    const key = scopeKey(candidate);
    const known = newest.get(key) ?? [];
    if (known.some(({ crl }) => isOlder(candidate.crl, crl))) continue;
    newest.set(key, [...known.filter(({ crl }) => !isOlder(crl, candidate.crl)), candidate]);
  }
  return [...newest.values()].flat();
}

/** Whether `left` was issued before `right`: by CRL number where both have one, then by thisUpdate. */
function isOlder(left: CrlHead, right: CrlHead): boolean {
  if (left.number !== undefined && right.number !== undefined && left.number !== right.number) {
    return left.number < right.number;
  }
  return left.thisUpdate < right.thisUpdate;
}

/**
 * Refuses to go back.
 * @param stillConfigured - Whether a CA is among the configured ones after the change.
 * @throws MtlsError `ERR_MTLS_CRL_ROLLBACK` for a lower CRL number, an earlier thisUpdate, or a full CRL
 *   that is gone while its CA is still trusted.
 */
export function refuseRollback(
  inForce: readonly VerifiedCrl[],
  next: readonly VerifiedCrl[],
  stillConfigured: (ca: Certificate) => boolean,
): void {
  const byScope = new Map(next.map((verified) => [scopeKey(verified), verified]));
  for (const old of inForce) {
    const replacement = byScope.get(scopeKey(old));
    if (replacement === undefined) {
      if (old.crl.deltaBase === undefined && stillConfigured(old.signer)) throw missing(old);
      continue;
    }
    if (replacement.digest === old.digest) continue;
    const lowerNumber = (replacement.crl.number ?? 0n) < (old.crl.number ?? 0n);
    if (lowerNumber || replacement.crl.thisUpdate < old.crl.thisUpdate) throw rollback(old, replacement);
  }
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
