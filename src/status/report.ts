/**
 * The status of a server as plain data. Every text is short and printable, and every list is bounded.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { abbreviate } from '../judgement/refusal.js';
import { type RevocationEntryState } from '../revocation/revocation-state.js';
import { type AuthorityState } from '../server/authority-state.js';
import { type ConnectionState, type Mtls } from '../server/mtls.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { describeFault, type History } from './history.js';
import {
  type StatusAuthority,
  type StatusClient,
  type StatusClients,
  type StatusCrl,
  type StatusList,
  type StatusReport,
} from './status-report.js';
import { baseName } from './text.js';
import { shorten } from '../x509/string.js';

const mostListed = 100;
const mostAddresses = 5;

/** The part of a server's handle that a report reads. */
export type ReportSource = Pick<
  Mtls,
  'authorities' | 'revocation' | 'connections' | 'faults' | 'healthy' | 'ready'
>;

/** The other inputs of a report. */
export interface ReportOptions {
  readonly history: Pick<History, 'since' | 'refusals' | 'evictions' | 'reloads'>;
  readonly sources: 'names' | 'paths';
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Reports what is in force, who is connected, and the history. */
export function createReport(mtls: ReportSource, { history, sources, now }: ReportOptions): StatusReport {
  const { crls } = mtls.revocation;
  const { refusals, evictions, reloads } = history;
  const nameSource = (source: string): string =>
    shorten(sources === 'paths' ? source : baseName(source), 200);
  return {
    at: new Date(now).toISOString(),
    since: history.since,
    ready: mtls.ready,
    healthy: mtls.healthy,
    faults: mtls.faults.map((fault) => ({
      ...describeFault(fault, sources),
      since: fault.since.toISOString(),
    })),
    authorities: listOf(mtls.authorities, (authority) => describeAuthority(authority, now)),
    crls: listOf([...crls].sort(byNextUpdate), (crl) => ({
      ...describeCrl(crl, now),
      source: nameSource(crl.source),
    })),
    clients: describeClients(mtls.connections),
    refusals: { total: refusals.total, byReason: { ...refusals.byReason }, list: refusals.list },
    evictions: { total: evictions.total, byReason: { ...evictions.byReason }, list: evictions.list },
    reloads: { ...reloads, list: [...reloads.list] },
  };
}

function listOf<Given, Entry>(all: readonly Given[], describe: (one: Given) => Entry): StatusList<Entry> {
  return { total: all.length, list: all.slice(0, mostListed).map(describe) };
}

function describeAuthority(
  { subject, issuer, serialNumber, notBefore, notAfter, names, crl }: AuthorityState,
  now: number,
): StatusAuthority {
  const begun = notBefore.getTime() <= now;
  const state = !begun ? 'not-yet-valid' : now < notAfter.getTime() ? 'current' : 'expired';
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    serialNumber: shorten(serialNumber, 64),
    notAfter: notAfter.toISOString(),
    state,
    names,
    crl,
  };
}

function describeCrl(crl: RevocationEntryState, now: number): Omit<StatusCrl, 'source'> {
  const { issuer, number, entries, thisUpdate, nextUpdate, loadedAt, confirmedAt } = crl;
  const life = nextUpdate === undefined ? undefined : nextUpdate.getTime() - thisUpdate.getTime();
  const left = nextUpdate === undefined ? undefined : nextUpdate.getTime() - now;
  return {
    issuer: nameOf(issuer),
    number: number ?? null,
    entries,
    thisUpdate: thisUpdate.toISOString(),
    nextUpdate: nextUpdate?.toISOString() ?? null,
    loadedAt: loadedAt.toISOString(),
    confirmedAt: confirmedAt?.toISOString() ?? null,
    state: left !== undefined && left <= 0 ? 'stale' : 'current',
    left: left === undefined || life === undefined ? null : partOf(left, life),
  };
}

/** A fraction from 0 to 1, to two decimals. */
function partOf(left: number, life: number): number {
  if (left <= 0 || life <= 0) return 0;
  return Math.min(1, Math.round((100 * left) / life) / 100);
}

function byNextUpdate(one: RevocationEntryState, other: RevocationEntryState): number {
  const [first, second] = [one, other].map(({ nextUpdate }) => nextUpdate?.getTime() ?? Infinity);
  return first === second ? 0 : Number(first) - Number(second);
}

interface Group {
  readonly identity: ClientIdentity;
  connections: number;
  since: Date;
  readonly addresses: Set<string>;
}

function describeClients(connections: Iterable<ConnectionState>): StatusClients {
  const groups = new Map<string, Group>();
  let total = 0;
  for (const { identity, remoteAddress, since } of connections) {
    total++;
    const group = groups.get(identity.fingerprint256);
    if (group === undefined) {
      const addresses = new Set([remoteAddress]);
      groups.set(identity.fingerprint256, { identity, connections: 1, since, addresses });
      continue;
    }
    group.connections++;
    group.addresses.add(remoteAddress);
    if (since < group.since) group.since = since;
  }
  const sorted = [...groups.values()].sort(
    (one, other) => other.connections - one.connections || one.since.getTime() - other.since.getTime(),
  );
  return { connections: total, ...listOf(sorted, describeClient) };
}

function describeClient({ identity, connections, since, addresses }: Group): StatusClient {
  return {
    subject: nameOf(identity.subject),
    issuer: nameOf(identity.issuer),
    serialNumber: shorten(identity.serialNumber, 64),
    fingerprint256: identity.fingerprint256,
    notAfter: identity.notAfter.toISOString(),
    connections,
    since: since.toISOString(),
    addresses: [...addresses].slice(0, mostAddresses).map((address) => shorten(address, 64)),
    addressCount: addresses.size,
  };
}

function nameOf(name: DistinguishedName): string {
  return shorten(abbreviate(name), 200);
}
