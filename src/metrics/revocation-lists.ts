/**
 * The CRLs in force as figures, per issuer and source.
 *
 * @module
 */
import { abbreviate } from '../judgement/refusal.js';
import { type ServerFigures } from './server-figures.js';

/** The figures for the CRLs of one issuer from one source. */
export interface RevocationLists {
  readonly labels: { readonly issuer: string; readonly source: string };
  /** Seconds since the oldest thisUpdate. */
  readonly age: number;
  /** Seconds until the earliest nextUpdate; `Infinity` if no CRL has one. */
  readonly remaining: number;
  readonly entries: number;
  /** Seconds since a loader last confirmed the CRL for which that is the longest; 0 for files and memory. */
  readonly unconfirmed: number;
}

/**
 * Combines CRLs of the same issuer and source (a delta and its base, or partitions). The same CRL under two names of
 * `sni` counts once.
 */
export function listsOf({ mtls, now }: Pick<ServerFigures, 'mtls' | 'now'>): RevocationLists[] {
  const at = now();
  const seen = new Set<string>();
  const lists = new Map<string, RevocationLists>();
  for (const { issuer, number, thisUpdate, nextUpdate, entries, source, confirmedAt } of mtls.revocation
    .crls) {
    const labels = { issuer: abbreviate(issuer), source };
    const key = JSON.stringify(labels);
    const list = JSON.stringify([labels, number, thisUpdate]);
    if (seen.has(list)) continue;
    seen.add(list);
    const before = lists.get(key) ?? { age: -Infinity, remaining: Infinity, entries: 0, unconfirmed: 0 };
    const remaining = nextUpdate === undefined ? Infinity : (nextUpdate.getTime() - at) / 1000;
    lists.set(key, {
      labels,
      age: Math.max(before.age, (at - thisUpdate.getTime()) / 1000),
      remaining: Math.min(before.remaining, remaining),
      entries: before.entries + entries,
      unconfirmed: Math.max(before.unconfirmed, (at - (confirmedAt?.getTime() ?? at)) / 1000),
    });
  }
  return [...lists.values()];
}
