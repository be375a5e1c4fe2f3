/**
 * The status of a server as plain data. Every text is short and printable, and every list is bounded.
 *
 * @module
 */
import { hostname } from 'node:os';
import { type RevocationEntryState } from '../revocation/revocation-state.js';
import { type AuthorityState } from '../server/authority-state.js';
import { type Mtls, type ServerCertificateState } from '../server/mtls.js';
import { describeClients, describeProxies } from './connections.js';
import { listExpiries, stateOf } from './expiries.js';
import { describeFault, type History } from './history.js';
import { listOf, nameOf } from './listing.js';
import { type StatusCertificate, type StatusServer } from './status-overview.js';
import { type StatusAuthority, type StatusCrl } from './status-material.js';
import { type StatusReport } from './status-report.js';
import { baseName } from './text.js';
import { version } from './version.js';
import { shorten } from '../x509/string.js';

/** The part of a server's handle that a report reads. */
export type ReportSource = Pick<
  Mtls,
  'authorities' | 'certificates' | 'connections' | 'faults' | 'healthy' | 'proxies' | 'ready' | 'revocation'
>;

/** The other inputs of a report. */
export interface ReportOptions {
  readonly history: Pick<
    History,
    'since' | 'refusals' | 'refusalCounts' | 'evictions' | 'forbidden' | 'forbiddenCounts' | 'reloads'
  >;
  readonly sources: 'names' | 'paths';
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Reports what is in force, who is connected, and the history. */
export function createReport(mtls: ReportSource, { history, sources, now }: ReportOptions): StatusReport {
  const { crls } = mtls.revocation;
  const { refusals, evictions, forbidden, reloads } = history;
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
    server: describeServer(now),
    expiries: listOf(listExpiries(mtls, now, nameSource), (expiry) => expiry),
    certificates: listOf(mtls.certificates, (certificate) => describeCertificate(certificate, now)),
    authorities: listOf(mtls.authorities, (authority) => describeAuthority(authority, now)),
    crls: listOf([...crls].sort(byNextUpdate), (crl) => ({
      ...describeCrl(crl, now),
      source: nameSource(crl.source),
    })),
    clients: describeClients(mtls.connections),
    refusals: {
      total: refusals.total,
      byReason: { ...refusals.byReason },
      lastHour: history.refusalCounts.lastHour(now),
      list: refusals.list,
    },
    evictions: { total: evictions.total, byReason: { ...evictions.byReason }, list: evictions.list },
    reloads: { ...reloads, list: [...reloads.list] },
    forbidden: {
      total: forbidden.total,
      lastHour: history.forbiddenCounts.lastHour(now),
      list: forbidden.list,
    },
    ...(mtls.proxies === undefined
      ? {}
      : { proxies: describeProxies(mtls.proxies, (ca) => describeAuthority(ca, now)) }),
  };
}

function describeServer(now: number): StatusServer {
  return {
    host: shorten(hostname(), 100),
    pid: process.pid,
    version,
    node: process.version,
    startedAt: new Date(now - process.uptime() * 1000).toISOString(),
  };
}

function describeCertificate(
  { servername, notBefore, notAfter }: ServerCertificateState,
  now: number,
): StatusCertificate {
  return {
    servername: servername === undefined ? null : shorten(servername, 200),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    state: stateOf({ notBefore, notAfter }, now),
  };
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
    notBefore: notBefore.toISOString(),
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
