/**
 * What one set of CRLs lists that another does not.
 *
 * @module
 */
import { countMissingEntries, type CrlIndexData } from './crl-index.js';

/** How many certificates came and went. */
export interface CrlDiff {
  readonly added: number;
  readonly removed: number;
}

/** A CRL's entries, by the scope that decides which list replaces which. */
export interface ScopedEntries {
  readonly scope: string;
  readonly digest: string;
  readonly index: CrlIndexData;
}

/** Compares two sets of CRLs, scope by scope. */
export function diffCrls(before: readonly ScopedEntries[], after: readonly ScopedEntries[]): CrlDiff {
  return { added: countMissing(after, before), removed: countMissing(before, after) };
}

/** How many entries of `lists` the lists of the same scope in `others` do not have. */
function countMissing(lists: readonly ScopedEntries[], others: readonly ScopedEntries[]): number {
  const byScope = new Map(others.map((entries) => [entries.scope, entries]));
  const unchanged = new Set(others.map(({ digest }) => digest));
  let missing = 0;
  for (const { scope, digest, index } of lists) {
    if (unchanged.has(digest)) continue;
    missing += countMissingEntries(index, byScope.get(scope)?.index);
  }
  return missing;
}
