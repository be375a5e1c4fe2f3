/**
 * The tables of the page: what is in force, who is connected, and the history.
 *
 * @module
 */
import { isolate, type Markup, markup, writeTime } from './markup.js';
import {
  type StatusAuthority,
  type StatusClient,
  type StatusCrl,
  type StatusFleet,
  type StatusList,
  type StatusProcess,
  type StatusProcessCrl,
  type StatusRefusal,
  type StatusRefusals,
  type StatusReload,
  type StatusReport,
} from './status-report.js';
import { count } from '../quantity.js';
import { describeSpan } from '../time-span.js';

/** A column: its heading and the content of its cells. The first column is the row header. */
interface Column<Entry> {
  readonly name: string;
  readonly kind?: 'number' | 'long';
  readonly cell: (entry: Entry) => string | number | Markup;
}

/** Writes all tables, each in a section with a heading. */
export function writeTables(report: StatusReport): Markup[] {
  const { authorities, crls, clients, refusals, evictions, reloads, fleet } = report;
  const now = Date.parse(report.at);
  const captions = {
    authorities: `The CAs whose clients are admitted${notListed(authorities)}`,
    crls: `The CRLs in force, earliest nextUpdate first${notListed(crls)}`,
    clients: `${count(clients.connections, 'open connection')} of ${count(clients.total, 'client')}${notListed(clients)}`,
    refusals: `Refused handshakes: ${countReasons(refusals)}`,
    evictions: `Connections closed because the client is no longer admitted: ${countReasons(evictions)}`,
    reloads: `Reloads that changed something or failed: ${reloads.total}, of which ${reloads.failed} failed`,
  };
  return [
    writeTable('CAs', captions.authorities, authorities, authorityColumns),
    writeTable('CRLs', captions.crls, crls, crlColumns(now)),
    writeTable('Connections', captions.clients, clients, clientColumns(now)),
    writeTable('Refusals', captions.refusals, refusals, refusalColumns),
    writeTable('Evictions', captions.evictions, evictions, refusalColumns),
    writeTable('Reloads', captions.reloads, reloads, reloadColumns),
    ...(fleet === undefined
      ? []
      : [
          writeTable(
            'Fleet',
            fleetCaption(fleet),
            fleet,
            processColumns(now),
            fleet.outcome === 'failed' ? 'The store cannot be read.' : undefined,
          ),
        ]),
  ];
}

function writeTable<Entry>(
  title: string,
  caption: string,
  { list }: StatusList<Entry>,
  columns: readonly Column<Entry>[],
  empty = 'None.',
): Markup {
  const id = title.toLowerCase();
  const heading = markup`<h2 id="${id}">${title}</h2>`;
  if (list.length === 0)
    return markup`<section aria-labelledby="${id}">\n${heading}\n<p>${empty}</p>\n</section>\n`;
  const head = columns.map(
    ({ name, kind }) => markup`<th role="columnheader" scope="col"${classOf(kind)}>${name}</th>`,
  );
  const rows = list.map((entry) => markup`<tr role="row">${columns.map(writeCell(entry))}</tr>\n`);
  // On narrow screens rows are blocks; the roles keep them rows for screen readers. The focusable region lets keyboard
  // users scroll a wide table.
  return markup`<section aria-labelledby="${id}">
${heading}
<div class="wide" role="region" aria-labelledby="${id}" tabindex="0">
<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">
${rows}</tbody>
</table>
</div>
</section>
`;
}

function writeCell<Entry>(entry: Entry): (column: Column<Entry>, index: number) => Markup {
  return ({ name, kind, cell }, index) =>
    index === 0
      ? markup`<th role="rowheader" scope="row" data-name="${name}">${cell(entry)}</th>`
      : markup`<td role="cell"${classOf(kind)} data-name="${name}">${cell(entry)}</td>`;
}

function classOf(kind: string | undefined): Markup | string {
  return kind === undefined ? '' : markup` class="${kind}"`;
}

const authorityColumns: readonly Column<StatusAuthority>[] = [
  { name: 'CA', cell: ({ subject }) => isolate(subject) },
  { name: 'Issuer', cell: ({ issuer }) => isolate(issuer) },
  {
    name: 'CRL',
    cell: ({ crl }) => {
      if (crl === 'loaded') return 'loaded';
      return warn(crl === 'missing' ? 'missing: its CRL is not loaded' : 'none configured');
    },
  },
  {
    name: 'Server names',
    cell: ({ names }) =>
      names.map((name) => (name === '*' ? 'all without CAs of their own' : name)).join(', '),
  },
  {
    name: 'Valid until',
    cell: ({ notAfter, state }) => {
      if (state === 'current') return writeTime(notAfter);
      return markup`${writeTime(notAfter)}<br>${warn(state === 'expired' ? 'expired' : 'not valid yet')}`;
    },
  },
];

function crlColumns(now: number): readonly Column<StatusCrl>[] {
  return [
    { name: 'Issuer', cell: ({ issuer }) => isolate(issuer) },
    { name: 'State', cell: ({ state }) => (state === 'stale' ? warn('stale') : praise('current')) },
    { name: 'Time left', cell: (crl) => writeTimeLeft(crl, now) },
    { name: 'Age', cell: ({ thisUpdate }) => describeSpan(now - Date.parse(thisUpdate)) },
    { name: 'Entries', kind: 'number', cell: ({ entries }) => entries },
    { name: 'Number', kind: 'number', cell: ({ number }) => number ?? 'none' },
    { name: 'Source', cell: ({ source }) => isolate(source) },
  ];
}

// A meter has its value in an attribute, so the page needs no inline style, which its policy forbids.
function writeTimeLeft({ issuer, nextUpdate, left }: StatusCrl, now: number): Markup | string {
  if (nextUpdate === null || left === null) return 'never expires';
  const distance = Date.parse(nextUpdate) - now;
  const words = distance > 0 ? `${describeSpan(distance)} left` : `expired ${describeSpan(-distance)} ago`;
  const preposition = distance > 0 ? 'until' : 'at';
  const limits = markup`min="0" max="1" low="0.1" high="0.2" optimum="1" value="${left}"`;
  const bar = markup`<meter ${limits} aria-label="Time left of the CRL of ${issuer}">${words}</meter>`;
  return markup`${bar}<br>${words}, ${preposition} ${writeTime(nextUpdate)}`;
}

function clientColumns(now: number): readonly Column<StatusClient>[] {
  return [
    { name: 'Client', cell: writeWho },
    { name: 'Issuer', cell: ({ issuer }) => isolate(issuer) },
    { name: 'Connections', kind: 'number', cell: ({ connections }) => connections },
    {
      name: 'Oldest since',
      cell: ({ since }) => markup`${writeTime(since)}, ${describeSpan(now - Date.parse(since))}`,
    },
    {
      name: 'From',
      cell: ({ addresses, addressCount }) => {
        const others = addressCount - addresses.length;
        return addresses.join(', ') + (others > 0 ? ` and ${others} more` : '');
      },
    },
    { name: 'Certificate until', cell: ({ notAfter }) => writeTime(notAfter) },
  ];
}

const refusalColumns: readonly Column<StatusRefusal>[] = [
  { name: 'Last at', cell: ({ at }) => writeTime(at) },
  { name: 'Who', cell: writeWho },
  { name: 'From', cell: ({ remoteAddress }) => remoteAddress },
  { name: 'Reason', cell: ({ reason }) => reason },
  { name: 'Detail', kind: 'long', cell: ({ detail }) => isolate(detail) },
  {
    name: 'Times',
    kind: 'number',
    cell: ({ count: times, firstAt }) => (times === 1 ? 1 : markup`${times}<br>since ${writeTime(firstAt)}`),
  },
];

const reloadColumns: readonly Column<StatusReload>[] = [
  { name: 'At', cell: ({ at }) => writeTime(at) },
  {
    name: 'Outcome',
    cell: ({ outcome }) => (outcome === 'failed' ? warn('failed') : praise(outcome)),
  },
  {
    name: 'Detail',
    kind: 'long',
    cell: (reload) => {
      if (reload.outcome === 'failed')
        return markup`${reload.code}: ${isolate(reload.message)}<br>The last-good copy stays in force.`;
      if (reload.outcome === 'recovered')
        return markup`${isolate(reload.source)} can be used again: ${reload.code} is fixed.`;
      const { added, removed, evicted, durationMs } = reload;
      return `${added} newly revoked, ${removed} no longer listed, ${evicted} connections closed, ${durationMs} ms`;
    },
  },
];

function fleetCaption(fleet: StatusFleet): string {
  return `${count(fleet.total, 'process', 'processes')} that report to the store${notListed(fleet)}`;
}

function processColumns(now: number): readonly Column<StatusProcess>[] {
  return [
    { name: 'Host', cell: ({ host }) => isolate(host) },
    { name: 'Process', kind: 'number', cell: ({ pid }) => pid },
    { name: 'Started', cell: ({ startedAt }) => writeTime(startedAt) },
    { name: 'Reported', cell: ({ reportedAt }) => `${describeSpan(now - Date.parse(reportedAt))} ago` },
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
  return markup`<div>${name} of ${isolate(issuer)}, issued ${describeSpan(now - Date.parse(thisUpdate))} ago</div>`;
}

function writeWho({
  subject,
  serialNumber,
}: Pick<StatusRefusal, 'subject' | 'serialNumber'>): Markup | string {
  if (subject === null || serialNumber === null) return 'no readable certificate';
  const name = isolate(subject === '' ? 'no subject' : subject);
  return markup`${name}<br><span class="muted">serial ${serialNumber}</span>`;
}

function notListed({ list, total }: StatusList<unknown>): string {
  return total > list.length ? `; ${total - list.length} more are not listed` : '';
}

function countReasons({ total, byReason }: StatusRefusals): string {
  const reasons = Object.entries(byReason).map(([reason, times]) => `${times} ${reason}`);
  return `${total} (${reasons.join(', ')})`;
}

function warn(words: string): Markup {
  return markup`<span class="bad">${words}</span>`;
}

function praise(words: string): Markup {
  return markup`<span class="good">${words}</span>`;
}
