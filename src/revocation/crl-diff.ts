/**
 * The entries that one set of CRLs has and another lacks.
 *
 * @module
 */
import { areSubjectsCovered, type Coverage, WiderCrls } from './crl-coverage.js';
import { countMissingEntries, type CrlIndexData } from './crl-index.js';

/** How many entries were added and removed. */
export interface CrlDiff {
  readonly added: number;
  readonly removed: number;
}

/** The entries of a CRL, with the scope that decides which CRL replaces which. */
export interface ScopedEntries {
  readonly scope: string;
  readonly coverage: Coverage;
  readonly digest: string;
  readonly index: CrlIndexData;
}

/** {@link CrlDiff}, and the scopes that lost entries. */
export interface CrlComparison {
  readonly diff: CrlDiff;
  readonly shrunk: readonly string[];
}

// A CA may publish thousands of CRLs with the same scope and age, so an entry is not looked up in all of them. An
// entry that is not found counts as removed, which refuses rather than admits.
const mostCompared = 8;

/** Compares two sets of CRLs by scope. */
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

/**
 * Counts, by scope, the entries of `lists` that are missing from `others`. An entry is looked up in the CRLs that are
 * consulted wherever its own CRL is: those of the same scope, and full CRLs of a wider scope by the same key. Scopes
 * without missing entries are omitted. Several CRLs can share a scope (equally old ones, or deltas to several bases);
 * an entry that two of them list counts once.
 */
function countMissing(
  lists: readonly ScopedEntries[],
  others: readonly ScopedEntries[],
): ReadonlyMap<string, number> {
  const known = new Map<string, CrlIndexData[]>();
  const know = ({ scope, index }: ScopedEntries): void => {
    const ofScope = known.get(scope) ?? [];
    if (ofScope.length < mostCompared) known.set(scope, [...ofScope, index]);
  };
  others.forEach(know);
  const wider = new WiderCrls(others);
  const unchanged = new Set(others.map(({ digest }) => digest));
  const missing = new Map<string, number>();
  for (const entries of lists) {
    const { scope, digest, index } = entries;
    if (unchanged.has(digest)) continue;
    const compared = [...(known.get(scope) ?? []), ...indexesAround(entries, wider)];
    const count = countMissingEntries(index, compared);
    know(entries);
    if (count > 0) missing.set(scope, (missing.get(scope) ?? 0) + count);
  }
  return missing;
}

/** The entries of the full CRLs of a wider scope. */
function indexesAround({ scope, coverage }: ScopedEntries, wider: WiderCrls<ScopedEntries>): CrlIndexData[] {
  const isWider = (other: ScopedEntries): boolean =>
    other.scope !== scope &&
    other.coverage.key === coverage.key &&
    areSubjectsCovered(coverage, [other.coverage]);
  return wider
    .around(coverage)
    .filter(isWider)
    .slice(0, mostCompared)
    .map(({ index }) => index);
}
