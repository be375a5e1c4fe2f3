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

/** {@link CrlDiff}, and the scopes that certificates went from. */
export interface CrlComparison {
  readonly diff: CrlDiff;
  readonly shrunk: readonly string[];
}

/** Compares two sets of CRLs, scope by scope. */
export function compareCrls(
  before: readonly ScopedEntries[],
  after: readonly ScopedEntries[],
): CrlComparison {
  const came = countMissing(after, before);
  const went = countMissing(before, after);
  return { diff: { added: sum(came), removed: sum(went) }, shrunk: [...went.keys()] };
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

/** By scope, how many entries of `lists` the lists of the same scope in `others` do not have; scopes with none are left out. */
function countMissing(
  lists: readonly ScopedEntries[],
  others: readonly ScopedEntries[],
): ReadonlyMap<string, number> {
  const byScope = new Map(others.map((entries) => [entries.scope, entries]));
  const unchanged = new Set(others.map(({ digest }) => digest));
  const missing = new Map<string, number>();
  for (const { scope, digest, index } of lists) {
    if (unchanged.has(digest)) continue;
    const count = countMissingEntries(index, byScope.get(scope)?.index);
    if (count > 0) missing.set(scope, (missing.get(scope) ?? 0) + count);
  }
  return missing;
}
