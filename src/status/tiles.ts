/**
 * The tiles of the page: an operator's questions, the most urgent first.
 *
 * @module
 */
import { count } from '../quantity.js';
import { millisecondsIn } from '../time-span.js';
import { processesBehind } from './fleet-state.js';
import { isolate, type Markup, markup, spanOf, writeRelative, writeSpan } from './markup.js';
import { writeSparklines } from './sparkline.js';
import { type StatusExpiry, type StatusProxies } from './status-overview.js';
import { type StatusFleet, type StatusReport } from './status-report.js';
import { type Level, writeSymbol } from './symbols.js';
import { judgeReport, nameExpiry } from './verdict.js';

/** Writes the tiles. Those of certificates, a fleet and proxies are only there if there are any. */
export function writeTiles(report: StatusReport): Markup {
  const { fleet, proxies, certificates } = report;
  return markup`<div class="tiles">
${writeVerdict(report)}
${writeConnections(report)}
${writeRefusals(report)}
${certificates.total === 0 ? '' : writeCertificate(report)}
${writeNextCrl(report)}
${fleet === undefined ? '' : writeFleet(fleet)}
${proxies === undefined ? '' : writeProxies(proxies)}
</div>
`;
}

function writeVerdict(report: StatusReport): Markup {
  const { level, headline, problems } = judgeReport(report);
  const items = problems.map(
    (
      problem,
    ) => markup`<li class="${problem.level}">${writeSymbol(problem.level)} <span>${problem.text}</span></li>
`,
  );
  const list =
    items.length === 0
      ? markup`<p>No faults, and nothing expires soon.</p>`
      : markup`<ul class="problems">${items}</ul>`;
  return markup`<section class="tile verdict ${level}-edge" aria-labelledby="state">
<h2 id="state" class="figure ${level}">${writeSymbol(level)} ${headline}</h2>
${writeNext(report)}
${list}
</section>`;
}

function writeNext({ expiries, at }: StatusReport): Markup {
  const next = expiries.list.find(({ state }) => state !== 'expired');
  if (next === undefined) return markup`<p id="next">Nothing else expires.</p>`;
  return markup`<p id="next"><strong>Expires next:</strong> ${nameExpiry(next)}, ${writeRelative(next.expiresAt, Date.parse(at))}</p>`;
}

interface Tile {
  readonly title: string;
  readonly figure: string | number | Markup;
  /** Words after the figure. */
  readonly unit?: string;
  readonly level?: Level;
  readonly hasCharts?: boolean;
  readonly details?: readonly (string | Markup)[];
}

function writeTile({
  title,
  figure,
  unit = '',
  level = 'good',
  hasCharts = false,
  details = [],
}: Tile): Markup {
  const id = `tile-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  const symbol = level === 'good' ? '' : markup`<span class="${level}">${writeSymbol(level)}</span> `;
  const lines = details.map((detail) => markup`<div class="detail">${detail}</div>\n`);
  return markup`<section class="tile${hasCharts ? ' charts' : ''}" aria-labelledby="${id}">
<h2 id="${id}">${symbol}${title}</h2>
<p class="figure${level === 'good' ? '' : ` ${level}`}">${figure}</p>
${unit === '' ? '' : markup`<p class="unit">${unit}</p>`}
${lines}</section>`;
}

function writeConnections({ clients: { connections, total } }: StatusReport): Markup {
  return writeTile({ title: 'Connections', figure: connections, unit: `from ${count(total, 'client')}` });
}

function writeRefusals({ refusals, forbidden, since, at }: StatusReport): Markup {
  const recorded = Date.parse(at) - Date.parse(since);
  const requests = forbidden.lastHour.byReason.forbidden;
  return writeTile({
    title: 'Refused in the last hour',
    figure: refusals.lastHour.total,
    unit: recorded < millisecondsIn.hour ? `recorded for ${spanOf(recorded)}` : '',
    hasCharts: true,
    details: [
      writeSparklines(refusals.lastHour.byReason),
      ...(requests === undefined ? [] : [writeSparklines({ 'by rules (403)': requests })]),
    ],
  });
}

const levels: Readonly<Record<StatusExpiry['state'], Level>> = {
  expired: 'bad',
  soon: 'warning',
  current: 'good',
};

/** When the first of its kind expires. */
function writeFirst(
  what: string,
  { expiresAt, state, name }: StatusExpiry,
  now: number,
  others: readonly (string | Markup)[],
): Markup {
  const span = spanOf(Date.parse(expiresAt) - now);
  const isPast = state === 'expired';
  return writeTile({
    title: isPast ? what : `${what} expires in`,
    figure: writeSpan(expiresAt, isPast ? 'expired' : span),
    unit: isPast ? `${span} ago` : '',
    level: levels[state],
    details: [...(name === null ? [] : [isolate(name)]), ...others],
  });
}

function writeCertificate({ expiries, certificates, at }: StatusReport): Markup {
  const what = 'Server certificate';
  const first = expiries.list.find(({ kind }) => kind === 'server-certificate');
  // CAs and CRLs that expire earlier fill the list.
  if (first === undefined)
    return writeTile({ title: what, figure: certificates.total, unit: 'see the table' });
  const others = certificates.total === 1 ? [] : [`the first of ${count(certificates.total, 'certificate')}`];
  return writeFirst(what, first, Date.parse(at), others);
}

function writeNextCrl({ crls, expiries, at }: StatusReport): Markup {
  const what = 'Next CRL';
  const now = Date.parse(at);
  if (crls.total === 0)
    return writeTile({ title: what, figure: 'no CRL', level: 'warning', unit: 'no client is ever revoked' });
  const all = expiries.list.filter(({ kind }) => kind === 'crl');
  const [first] = all;
  if (first === undefined)
    return writeTile({ title: `${what} expires`, figure: 'never', unit: 'no CRL has a nextUpdate' });
  const next = first.state === 'expired' ? all.find(({ state }) => state !== 'expired') : undefined;
  const then =
    next === undefined
      ? []
      : [markup`then ${isolate(next.name ?? '')} ${writeRelative(next.expiresAt, now)}`];
  return writeFirst(what, first, now, then);
}

function writeFleet(fleet: StatusFleet): Markup {
  const title = 'Fleet';
  if (fleet.outcome === 'failed')
    return writeTile({ title, figure: 'unknown', level: 'warning', unit: 'the store cannot be read' });
  const behind = processesBehind(fleet).length;
  return writeTile({
    title,
    figure: fleet.total,
    unit: fleet.total === 1 ? 'process' : 'processes',
    level: behind === 0 ? 'good' : 'warning',
    details: [behind === 0 ? 'all with the newest CRLs' : `${behind} without the newest CRLs`],
  });
}

const proofs: Readonly<Record<StatusProxies['proof'], string>> = {
  certificate: 'proved by certificate',
  socket: 'proved by the Unix socket',
  secret: 'proved by secret',
  addresses: 'trusted by address alone',
};

function writeProxies({ connections, proof, list }: StatusProxies): Markup {
  const names = list
    .slice(0, 2)
    .map(({ subject, remoteAddress }) => markup`<div>${isolate(subject ?? remoteAddress)}</div>`);
  return writeTile({
    title: 'Proxies',
    figure: connections,
    unit: connections === 1 ? 'open connection' : 'open connections',
    level: proof === 'addresses' ? 'warning' : 'good',
    details: [proofs[proof], markup`${names}`],
  });
}
