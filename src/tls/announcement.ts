/**
 * What a server says when it listens: whose clients it lets in, by which CRLs,
 * and what is missing.
 *
 * @module
 */
import { type Settings } from '../options.js';
import { describeCrls } from '../revocation/revocation-state.js';
import { type Reporter } from './events.js';
import { type Materials } from './material.js';
import { type TrustMaterial } from './trust-material.js';

/** What is in force under one name. */
interface Described {
  readonly cas: readonly string[];
  readonly crls: readonly object[];
}

/** Logs it. */
export function announce(
  reporter: Reporter,
  { clients, revocation: { unknown }, now }: Settings,
  { main, named }: Materials,
  address: unknown,
): void {
  const { cas, crls } = describe(main.trust);
  const own = [...named].filter(([, { trust }]) => trust !== main.trust);
  const names = Object.fromEntries(own.map(([name, { trust }]) => [name, describe(trust)]));
  const sni = named.size === 0 ? {} : { names: [...named.keys()], sni: names };
  reporter.log(
    'info',
    { event: 'listening', address, clients, cas, crls, ...sni },
    `listening: clients of ${cas.join(' and ')}`,
  );
  const at = new Date(now());
  warnOfGaps(reporter, main.trust, { unknown, at, where: '' });
  for (const [name, { trust }] of own)
    warnOfGaps(reporter, trust, { unknown, at, where: `under the name ${name} ` });
}

function describe({ store, revocation }: TrustMaterial): Described {
  return {
    cas: store.certificates.map(({ subject }) => subject.toString()),
    crls: describeCrls(revocation?.crls ?? []).map(({ issuer, number, nextUpdate, entries, source }) => ({
      issuer: issuer.toString(),
      number,
      nextUpdate,
      entries,
      source,
    })),
  };
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
  const uncovered = revocation.uncoveredCas(at).map(({ subject }) => subject.toString());
  if (uncovered.length === 0) return;
  const consequence = unknown === 'deny' ? 'their clients are refused' : 'their clients are never revoked';
  const message = `${where}no CRL of ${uncovered.join(' and ')} is loaded: ${consequence}`;
  reporter.log('warn', { event: 'uncovered-cas', uncovered }, message);
}
