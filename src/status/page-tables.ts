/**
 * The tables of the page: what is in force, and who is connected. What happened is in `history-tables.ts`.
 *
 * @module
 */
import { caution, praise, warn, writeSerial, writeWho } from './cells.js';
import { soonPart } from './expiries.js';
import { writeHistory } from './history-tables.js';
import { isolate, type Markup, markup, writeRelative } from './markup.js';
import { type StatusCertificate, type StatusProxies, type StatusProxy } from './status-overview.js';
import { type StatusAuthority, type StatusCrl } from './status-material.js';
import {
  type StatusClient,
  type StatusFleet,
  type StatusProcess,
  type StatusProcessCrl,
  type StatusReport,
} from './status-report.js';
import { type Column, notListed, writeTable } from './table.js';
import { count } from '../quantity.js';

/** Writes all tables, each in a section with a heading. */
export function writeTables(report: StatusReport): Markup[] {
  const { authorities, certificates, crls, clients, fleet, proxies } = report;
  const now = Date.parse(report.at);
  const captions = {
    clients: `${count(clients.connections, 'open connection')} of ${count(clients.total, 'client')}${notListed(clients)}`,
    crls: `The CRLs in force, earliest nextUpdate first${notListed(crls)}`,
    authorities: `The CAs whose clients are admitted${notListed(authorities)}`,
    certificates: `The certificates that the server presents${notListed(certificates)}`,
  };
  return [
    writeTable({ title: 'Connections', caption: captions.clients }, clients, clientColumns(now)),
    ...writeHistory(report),
    writeTable({ title: 'CRLs', caption: captions.crls }, crls, crlColumns(now)),
    writeTable({ title: 'CAs', caption: captions.authorities }, authorities, authorityColumns(now)),
    ...(certificates.total === 0
      ? []
      : [
          writeTable(
            { title: 'Server certificates', caption: captions.certificates },
            certificates,
            certificateColumns(now),
          ),
        ]),
    ...(fleet === undefined ? [] : [writeFleet(fleet, now)]),
    ...(proxies === undefined ? [] : writeProxies(proxies, now)),
  ];
}

function writeFleet(fleet: StatusFleet, now: number): Markup {
  const caption = `${count(fleet.total, 'process', 'processes')} that report to the store${notListed(fleet)}`;
  const empty = fleet.outcome === 'failed' ? 'The store cannot be read.' : undefined;
  return writeTable({ title: 'Fleet', caption, empty }, fleet, processColumns(now));
}

function writeProxies(proxies: StatusProxies, now: number): Markup[] {
  const { authorities, connections } = proxies;
  const caption = `${count(connections, 'open connection')} of proxies${notListed(proxies)}`;
  const ofCas = `The CAs whose certificates can belong to proxies${notListed(authorities)}`;
  return [
    writeTable({ title: 'Proxies', caption }, proxies, proxyColumns(now)),
    ...(authorities.total === 0
      ? []
      : [writeTable({ title: 'CAs of proxies', caption: ofCas }, authorities, authorityColumns(now))]),
  ];
}

function authorityColumns(now: number): readonly Column<StatusAuthority>[] {
  return [
    {
      name: 'CA',
      cell: ({ subject, serialNumber }) => markup`${isolate(subject)}${writeSerial(serialNumber)}`,
    },
    { name: 'Issuer', cell: ({ issuer, subject }) => isolate(issuer === subject ? 'itself' : issuer) },
    {
      name: 'CRL',
      cell: ({ crl }) => {
        if (crl === 'loaded') return praise('loaded');
        return caution(crl === 'missing' ? 'missing: its CRL is not loaded' : 'none configured');
      },
    },
    {
      name: 'Server names',
      cell: ({ names }) =>
        isolate(names.map((name) => (name === '*' ? 'all without CAs of their own' : name)).join(', ')),
    },
    {
      name: 'Expires',
      cell: ({ notBefore, notAfter, state }) => {
        if (state === 'current') return writeRelative(notAfter, now);
        if (state === 'expired') return markup`${warn('expired')} ${writeRelative(notAfter, now)}`;
        return markup`${warn('not valid yet')} begins ${writeRelative(notBefore, now)}`;
      },
    },
  ];
}

function crlColumns(now: number): readonly Column<StatusCrl>[] {
  return [
    { name: 'Issuer', cell: ({ issuer }) => isolate(issuer) },
    {
      name: 'State',
      cell: ({ state, left }) => {
        if (state === 'stale') return warn('stale');
        return left !== null && left <= soonPart ? caution('expires soon') : praise('current');
      },
    },
    { name: 'Expires', cell: (crl) => writeTimeLeft(crl, now) },
    { name: 'Issued', cell: ({ thisUpdate }) => writeRelative(thisUpdate, now) },
    { name: 'Entries', kind: 'number', cell: ({ entries }) => entries },
    {
      name: 'Number',
      cell: ({ number }) => (number === null ? 'none' : markup`<code class="serial">${number}</code>`),
    },
    {
      name: 'Source',
      cell: ({ source, confirmedAt }) =>
        confirmedAt === null
          ? isolate(source)
          : markup`${isolate(source)}<br><span class="muted">confirmed ${writeRelative(confirmedAt, now)}</span>`,
    },
  ];
}

// A meter has its value in an attribute, so the page needs no inline style, which its policy forbids.
function writeTimeLeft({ issuer, nextUpdate, left }: StatusCrl, now: number): Markup | string {
  if (nextUpdate === null || left === null) return 'never expires';
  const limits = markup`min="0" max="1" low="0.1" high="0.2" optimum="1" value="${left}"`;
  const percent = `${Math.round(100 * left)} % left`;
  return markup`${writeRelative(nextUpdate, now)}<br><meter ${limits} aria-label="Time left of the CRL of ${issuer}">${percent}</meter>`;
}

function certificateColumns(now: number): readonly Column<StatusCertificate>[] {
  return [
    {
      name: 'Server name',
      cell: ({ servername }) => (servername === null ? 'all others' : isolate(servername)),
    },
    {
      name: 'State',
      cell: ({ state }) =>
        state === 'current'
          ? praise('current')
          : state === 'soon'
            ? caution('expires soon')
            : warn('expired'),
    },
    { name: 'Expires', cell: ({ notAfter }) => writeRelative(notAfter, now) },
    { name: 'Valid since', cell: ({ notBefore }) => writeRelative(notBefore, now) },
  ];
}

function clientColumns(now: number): readonly Column<StatusClient>[] {
  return [
    { name: 'Client', cell: writeWho },
    { name: 'Issuer', cell: ({ issuer }) => isolate(issuer) },
    { name: 'Connections', kind: 'number', cell: ({ connections }) => connections },
    { name: 'Oldest', cell: ({ since }) => writeRelative(since, now) },
    {
      name: 'From',
      cell: ({ addresses, addressCount }) => {
        const others = addressCount - addresses.length;
        return addresses.join(', ') + (others > 0 ? ` and ${others} more` : '');
      },
    },
    { name: 'Certificate expires', cell: ({ notAfter }) => writeRelative(notAfter, now) },
  ];
}

function processColumns(now: number): readonly Column<StatusProcess>[] {
  return [
    { name: 'Host', cell: ({ host }) => isolate(host) },
    { name: 'Process', kind: 'number', cell: ({ pid }) => pid },
    { name: 'Started', cell: ({ startedAt }) => writeRelative(startedAt, now) },
    { name: 'Reported', cell: ({ reportedAt }) => writeRelative(reportedAt, now) },
    {
      name: 'CRLs in force',
      kind: 'long',
      cell: ({ crls }) =>
        crls.length === 0 ? 'none' : markup`${crls.map((crl) => writeProcessCrl(crl, now))}`,
    },
  ];
}

function writeProcessCrl({ issuer, number, isDelta, thisUpdate }: StatusProcessCrl, now: number): Markup {
  const name = `${isDelta ? 'delta ' : ''}${number ?? 'without a number'}`;
  return markup`<div>${name} of ${isolate(issuer)}, issued ${writeRelative(thisUpdate, now)}</div>`;
}

function proxyColumns(now: number): readonly Column<StatusProxy>[] {
  return [
    { name: 'Proxy', cell: ({ subject }) => (subject === null ? 'without a certificate' : isolate(subject)) },
    { name: 'From', cell: ({ remoteAddress }) => remoteAddress },
    { name: 'Connections', kind: 'number', cell: ({ connections }) => connections },
    { name: 'Oldest', cell: ({ since }) => writeRelative(since, now) },
  ];
}
