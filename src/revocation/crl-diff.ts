/**
 * What one set of CRLs lists that another does not.
 *
 * @module
 */
import { scopeKey, type VerifiedCrl } from './crl-set.js';

/** How many certificates came and went. */
export interface CrlDiff {
  readonly added: number;
  readonly removed: number;
}

/** Compares two sets of CRLs, scope by scope. */
export function diffCrls(before: readonly VerifiedCrl[], after: readonly VerifiedCrl[]): CrlDiff {
  return { added: countMissing(after, before), removed: countMissing(before, after) };
}

/** How many entries of `lists` the lists of the same scope in `others` do not have. */
function countMissing(lists: readonly VerifiedCrl[], others: readonly VerifiedCrl[]): number {
  const byScope = new Map(others.map((verified) => [scopeKey(verified), verified]));
  let missing = 0;
  for (const verified of lists) {
    const other = byScope.get(scopeKey(verified));
    if (other?.index === verified.index) continue;
    for (const [serial, issuer] of verified.index.entries()) {
      if (other?.index.has(serial, issuer) !== true) missing++;
    }
  }
  return missing;
}
