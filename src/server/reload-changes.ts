/**
 * The report of a reload: what a commit changes apart from revocations, and the sum of two reports.
 *
 * @module
 */
import { type Trust } from '../judgement/judges.js';
import { type Material, type Materials } from '../material/material.js';
import { scopeKey } from '../revocation/crl-set.js';
import { type Certificate } from '../x509/certificate.js';
import { type ChangedCa, type ReloadReport, type ReplacedCertificate } from './events.js';

/** What a commit changes. */
export interface ReloadChanges {
  readonly certificates: readonly ReplacedCertificate[];
  readonly addedCas: readonly ChangedCa[];
  readonly removedCas: readonly ChangedCa[];
  readonly coveredCas: readonly ChangedCa[];
}

/** No change. */
export const noChanges: ReloadChanges = Object.freeze({
  certificates: Object.freeze([]),
  addedCas: Object.freeze([]),
  removedCas: Object.freeze([]),
  coveredCas: Object.freeze([]),
});

/** The report of a reload without changes. */
export const nothing: ReloadReport = Object.freeze({
  changed: false,
  added: 0,
  removed: 0,
  evicted: 0,
  durationMs: 0,
  ...noChanges,
});

/** Compares new material with the material in force. */
export function changesBetween(before: Materials, after: Materials, at: Date): ReloadChanges {
  const all = [
    { servername: undefined, old: before.main, next: after.main },
    ...[...after.named].map(([servername, next]) => ({
      servername,
      old: before.named.get(servername),
      next,
    })),
  ];
  const certificates = all
    .filter(({ old, next }) => old?.credentials !== next.credentials)
    .flatMap(({ servername, next: { credentials } }) =>
      credentials === undefined ? [] : [Object.freeze({ servername, notAfter: credentials.notAfter })],
    );
  // A name without its own CAs has those of the server, which are reported once.
  const own = all.filter(
    ({ servername, next }) => servername === undefined || next.trust !== after.main.trust,
  );
  const addedCas = own.flatMap(({ servername, old, next }) => {
    const uncovered = next.trust.revocation?.uncoveredCas(at);
    return casOnlyIn(next, old).map((ca) => {
      const crl = uncovered === undefined ? 'none' : uncovered.includes(ca) ? 'missing' : 'loaded';
      return Object.freeze({ servername, subject: ca.subject, crl } as const);
    });
  });
  const removedCas = own.flatMap(({ servername, old, next }) =>
    old === undefined
      ? []
      : casOnlyIn(old, next).map((ca) =>
          Object.freeze({ servername, subject: ca.subject, crl: undefined } as const),
        ),
  );
  const coveredCas = own.flatMap(({ servername, old, next }) =>
    newlyCovered(old?.trust, next.trust, at).map((ca) =>
      Object.freeze({ servername, subject: ca.subject, crl: 'loaded' } as const),
    ),
  );
  return { certificates, addedCas, removedCas, coveredCas };
}

/** The CAs of both that had no CRL, and now have one. */
function newlyCovered(old: Trust | undefined, next: Trust, at: Date): readonly Certificate[] {
  if (old?.revocation === undefined || next.revocation === undefined) return [];
  // With many CAs, to ask for each one costs more than a reload. Most reloads replace the CRL of the same CA.
  const known = new Set(old.revocation.crls.map(scopeKey));
  if (next.revocation.crls.every((crl) => known.has(scopeKey(crl)))) return [];
  const uncovered = old.revocation.uncoveredCas(at);
  if (uncovered.length === 0) return [];
  const isIn = (cas: readonly Certificate[], { raw }: Certificate): boolean =>
    cas.some((ca) => ca.raw.equals(raw));
  const still = next.revocation.uncoveredCas(at);
  return uncovered.filter((ca) => isIn(next.store.certificates, ca) && !isIn(still, ca));
}

function casOnlyIn(one: Material, other: Material | undefined): readonly Certificate[] {
  if (one.trust.store === other?.trust.store) return [];
  const known = new Set(other?.trust.store.certificates.map(({ raw }) => raw.toString('base64')));
  return one.trust.store.certificates.filter(({ raw }) => !known.has(raw.toString('base64')));
}

/** The sum of two reports of one round. */
export function sumOf(one: ReloadReport, other: ReloadReport): ReloadReport {
  if (!one.changed || !other.changed) return one.changed ? one : other;
  return Object.freeze({
    changed: true,
    added: one.added + other.added,
    removed: one.removed + other.removed,
    evicted: one.evicted + other.evicted,
    durationMs: Math.max(one.durationMs, other.durationMs),
    certificates: [...one.certificates, ...other.certificates],
    addedCas: [...one.addedCas, ...other.addedCas],
    removedCas: [...one.removedCas, ...other.removedCas],
    coveredCas: [...one.coveredCas, ...other.coveredCas],
  });
}
