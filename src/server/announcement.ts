/**
 * What a server says when it listens: whose clients it lets in, by which CRLs,
 * and what is missing.
 *
 * @module
 */
import { abbreviate } from '../judgement/refusal.js';
import { warnOfNames } from '../material/authority-names.js';
import { type Materials } from '../material/material.js';
import { firstOf, listSome } from '../material/shortened-list.js';
import { type TrustMaterial } from '../material/trust-material.js';
import { describeCrls } from '../revocation/revocation-state.js';
import { type Certificate } from '../x509/certificate.js';
import { type Reporter } from './events.js';
import { type Settings } from './options.js';

/** What is in force under one name. A line of the log has some of it; `mtls.authorities` and `mtls.revocation` all. */
interface Described {
  readonly cas: readonly string[];
  readonly caCount: number;
  readonly crls: readonly object[];
  readonly crlCount: number;
}

/** Logs it. */
export function announce(
  reporter: Reporter,
  { clients, revocation: { unknown }, now }: Settings,
  { main, named }: Materials,
  address: unknown,
): void {
  const own = [...named].filter(([, { trust }]) => trust !== main.trust);
  const names = Object.fromEntries(firstOf(own).map(([name, { trust }]) => [name, describe(trust)]));
  const sni =
    named.size === 0 ? {} : { names: firstOf([...named.keys()]), nameCount: named.size, sni: names };
  reporter.log(
    'info',
    { event: 'listening', address, clients, ...describe(main.trust), ...sni },
    `listening: clients of ${listSome(namesOf(main.trust.store.certificates))}`,
  );
  const at = new Date(now());
  warnOfGaps(reporter, main.trust, { unknown, at, where: '' });
  for (const [name, { trust }] of own)
    warnOfGaps(reporter, trust, { unknown, at, where: `under the name ${name} ` });
}

/** Logs whose names are long, among the CAs that replace others. */
export function announceCas(reporter: Reporter, { main, named }: Materials, inForce?: Materials): void {
  if (main.trust.store !== inForce?.main.trust.store) warnOfNames(reporter, main.trust.store, '');
  for (const [name, { trust }] of named)
    if (trust !== main.trust && trust.store !== inForce?.named.get(name)?.trust.store)
      warnOfNames(reporter, trust.store, `under the name ${name} `);
}

function describe({ store, revocation }: TrustMaterial): Described {
  const crls = revocation?.crls ?? [];
  return {
    cas: namesOf(firstOf(store.certificates)),
    caCount: store.certificates.length,
    crls: describeCrls(firstOf(crls)).map(({ issuer, number, deltaBase, nextUpdate, entries, source }) => ({
      issuer: abbreviate(issuer),
      number,
      deltaBase,
      nextUpdate,
      entries,
      source,
    })),
    crlCount: crls.length,
  };
}

function namesOf(cas: readonly Certificate[]): string[] {
  return cas.map(({ subject }) => abbreviate(subject));
}

function warnOfGaps(
  reporter: Reporter,
  { revocation }: TrustMaterial,
  { unknown, at, where }: { readonly unknown: 'deny' | 'allow'; readonly at: Date; readonly where: string },
): void {
  if (revocation === undefined) {
    reporter.log('warn', { event: 'no-crl' }, `${where}no CRL is configured: no certificate is ever revoked`);
    return;
  }
  const uncovered = namesOf(revocation.uncoveredCas(at));
  if (uncovered.length === 0) return;
  const consequence = unknown === 'deny' ? 'their clients are refused' : 'their clients are never revoked';
  const message = `${where}no CRL of ${listSome(uncovered)} is loaded: ${consequence}`;
  const fields = { uncovered: firstOf(uncovered), uncoveredCount: uncovered.length };
  reporter.log('warn', { event: 'uncovered-cas', ...fields }, message);
}
