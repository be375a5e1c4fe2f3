/**
 * Reports at `'listening'` which CAs and CRLs are in force, and which CRLs are missing.
 *
 * @module
 */
import type { BlockList, Server } from 'node:net';
import { abbreviate, describeName } from '../judgement/refusal.js';
import { reportLongNames } from '../material/authority-names.js';
import { type Materials } from '../material/material.js';
import { firstOf } from '../shortened-list.js';
import { type Trust } from '../judgement/judges.js';
import { describeCrls } from '../revocation/revocation-state.js';
import { type Certificate } from '../x509/certificate.js';
import { type Described, type UncoveredCas } from './events.js';
import { type Reporter } from './reporter.js';
import { type Settings } from './settings.js';

/** Reports the material in force, and its gaps. */
export function announce(
  reporter: Reporter,
  { clients, revocation: { unknown }, now, credentials, proxies }: Settings,
  { main, named }: Materials,
  server: Server,
): void {
  const own = [...named].filter(([, { trust }]) => trust !== main.trust);
  const names = Object.fromEntries(firstOf(own).map(([name, { trust }]) => [name, describe(trust)]));
  const sni =
    named.size === 0 ? {} : { names: firstOf([...named.keys()]), nameCount: named.size, sni: names };
  const allCas = main.trust.store.certificates.map(({ subject }) => describeName(subject));
  const address = server.address();
  const url = urlOf(server);
  const place = placeOf(address, url);
  const listening = { address, url, place, clients, direct: proxies?.direct, allCas };
  reporter.emit('listening', { ...listening, ...describe(main.trust), ...sni });
  if (proxies?.addresses !== undefined)
    reporter.emit('proxies-by-address', { addresses: describeRules(proxies.addresses) });
  if (proxies !== undefined && proxies.secrets.length > 0 && credentials === undefined)
    reportClearSecret(reporter, address);
  const at = new Date(now());
  reportGaps(reporter, main.trust, { unknown, at, servername: undefined });
  for (const [name, { trust }] of own) reportGaps(reporter, trust, { unknown, at, servername: name });
}

/** `'10.0.0.0/8'`. Node says `'Subnet: IPv4 10.0.0.0/8'`. */
function describeRules({ rules }: BlockList): string[] {
  return rules.map((rule) => rule.slice(rule.lastIndexOf(' ') + 1));
}

const loopback = /^(?:127\.|::1$|::ffff:127\.)/;

function reportClearSecret(reporter: Reporter, address: ReturnType<Server['address']>): void {
  if (address === null || typeof address === 'string' || loopback.test(address.address)) return;
  reporter.emit('secret-in-clear', { address: address.address, port: address.port });
}

/** The URL of a server; `undefined` for a Unix socket, and for a server without HTTP. */
function urlOf(server: Server): string | undefined {
  const address = server.address();
  if (address === null || typeof address === 'string' || !('setTimeout' in server)) return undefined;
  const { address: ip, port } = address;
  const scheme = 'setSecureContext' in server ? 'https' : 'http';
  if (isUnspecified(ip)) return `${scheme}://localhost:${port}`;
  return `${scheme}://${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}

function placeOf(address: ReturnType<Server['address']>, url: string | undefined): readonly string[] {
  if (typeof address === 'string') return [`Unix socket ${address}`];
  if (address === null || url === undefined) return [];
  return isUnspecified(address.address) ? [url, 'on all interfaces'] : [url];
}

/** Whether a server with this address listens on all interfaces. */
function isUnspecified(ip: string): boolean {
  return ip === '::' || ip === '0.0.0.0';
}

/** Reports long CA names, if the CAs have changed. */
export function announceCas(
  reporter: Reporter,
  settings: Pick<Settings, 'announceCas'>,
  { main, named }: Materials,
  inForce?: Materials,
): void {
  if (settings.announceCas === 'none') return;
  if (main.trust.store !== inForce?.main.trust.store) reportLongNames(reporter, main.trust.store);
  for (const [name, { trust }] of named)
    if (trust !== main.trust && trust.store !== inForce?.named.get(name)?.trust.store)
      reportLongNames(reporter, trust.store, name);
}

/** Reports CAs that a reload added without a CRL. */
export function announceGaps(
  reporter: Reporter,
  { revocation: { unknown }, now }: Pick<Settings, 'revocation' | 'now'>,
  { main, named }: Materials,
  inForce: Materials,
): void {
  const at = new Date(now());
  const all = [
    { servername: undefined, trust: main.trust, before: inForce.main.trust },
    ...[...named].map(([servername, { trust }]) => ({
      servername,
      trust,
      before: inForce.named.get(servername)?.trust,
    })),
  ];
  for (const { servername, trust, before } of all) {
    const isShared = servername !== undefined && trust === main.trust;
    if (isShared || trust.store === before?.store || trust.revocation === undefined) continue;
    const known = before?.store.certificates ?? [];
    const added = trust.revocation
      .uncoveredCas(at)
      .filter((ca) => !known.some(({ raw }) => raw.equals(ca.raw)));
    if (added.length > 0) reporter.emit('uncovered-cas', { uncovered: namesOf(added), unknown, servername });
  }
}

function describe({ store, revocation }: Trust): Described {
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

function reportGaps(
  reporter: Reporter,
  { revocation }: Trust,
  { unknown, at, servername }: Pick<UncoveredCas, 'unknown' | 'servername'> & { readonly at: Date },
): void {
  if (revocation === undefined) {
    reporter.emit('no-crl', { servername });
    return;
  }
  const uncovered = namesOf(revocation.uncoveredCas(at));
  if (uncovered.length > 0) reporter.emit('uncovered-cas', { uncovered, unknown, servername });
}
