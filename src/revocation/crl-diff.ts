/**
 * What one set of CRLs lists that another does not.
 *
 * @module
 */
import { areSubjectsCovered, type Coverage, WiderCrls } from './crl-coverage.js';
import { countMissingEntries, type CrlIndexData } from './crl-index.js';

/** How many certificates came and went. */
export interface CrlDiff {
  readonly added: number;
  readonly removed: number;
}

/** A CRL's entries, by the scope that decides which list replaces which. */
export interface ScopedEntries {
  readonly scope: string;
  readonly coverage: Coverage;
  readonly digest: string;
  readonly index: CrlIndexData;
}

/** {@link CrlDiff}, and the scopes that certificates went from. */
export interface CrlComparison {
  readonly diff: CrlDiff;
  readonly shrunk: readonly string[];
}

// A CA may publish thousands of lists of one scope and age: each entry is not looked for in all of them. One that is
// found in none counts as missing, which refuses rather than admits.
const mostCompared = 8;

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

/**
 * By scope, how many entries of `lists` are in none of `others` that is asked wherever their own list is: of the same
 * scope, or full, by the same key, of a scope that takes it in. Scopes with none are left out. There may be several
 * of a scope: two as old as each other, or deltas to several bases. What two of them list counts once.
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

/** The entries of full CRLs of a wider scope. */
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
