/**
 * The timeline of everything that expires: a row each, with the remaining time as a bar on a logarithmic scale.
 *
 * @module
 */
import { millisecondsIn } from '../time-span.js';
import { isolate, type Markup, markup, writeRelative } from './markup.js';
import { type StatusExpiry } from './status-overview.js';
import { type StatusList } from './status-material.js';
import { type StatusReport } from './status-report.js';
import { type Level, writeState } from './symbols.js';

/** Further rows are collapsed. */
const mostShown = 8;

const { hour, day, year } = millisecondsIn;
const longest = 20 * year;
const ticks = [
  { name: '1 h', at: hour },
  { name: '1 d', at: day },
  { name: '1 wk', at: 7 * day },
  { name: '1 mo', at: 30 * day },
  { name: '1 y', at: year },
  { name: '10 y', at: 10 * year },
] as const;

/** Writes the timeline. Screen readers skip the bars, because the words beside them say the same. */
export function writeTimeline({ expiries, at }: Pick<StatusReport, 'expiries' | 'at'>): Markup {
  const { list, total } = expiries;
  if (list.length === 0) return markup`<p>Nothing expires.</p>\n`;
  const rows = list.map((expiry) => writeRow(expiry, Date.parse(at)));
  const others = rows.slice(mostShown);
  return markup`${writeTable(rows.slice(0, mostShown), captionOf(expiries))}
${
  others.length === 0
    ? ''
    : markup`<details><summary>${others.length} more</summary>
${writeTable(others, total > list.length ? `${total - list.length} more are not listed` : 'These expire later')}
</details>
`
}`;
}

function captionOf({ list, total }: StatusList<StatusExpiry>): string {
  const expired = list.filter(({ state }) => state === 'expired').length;
  const soon = list.filter(({ state }) => state === 'soon').length;
  return `${total} in all: ${expired} expired, ${soon} soon. The first to expire is first.`;
}

function writeTable(rows: readonly Markup[], caption: string): Markup {
  return markup`<table role="table" class="timeline">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">What</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Expires</th><th class="scale" aria-hidden="true">Time left ${writeScale()}</th></tr></thead>
<tbody role="rowgroup">
${rows}</tbody>
</table>`;
}

const kinds: Readonly<Record<StatusExpiry['kind'], string>> = {
  'server-certificate': 'Certificate',
  ca: 'CA',
  'proxy-ca': 'CA of proxies',
  crl: 'CRL',
};

const states: Readonly<Record<StatusExpiry['state'], readonly [Level, string]>> = {
  expired: ['bad', 'expired'],
  soon: ['warning', 'soon'],
  current: ['good', 'current'],
};

function writeRow({ kind, name, source, expiresAt, state }: StatusExpiry, now: number): Markup {
  const [level, word] = states[state];
  const which = source === null ? '' : markup` <span class="muted">${isolate(source)}</span>`;
  const bar = writeBar(Date.parse(expiresAt) - now, level);
  return markup`<tr role="row"><th role="rowheader" scope="row"><span class="kind">${kinds[kind]}</span> ${name === null ? 'of the server' : isolate(name)}${which}</th><td role="cell">${writeState(level, word)}</td><td role="cell">${writeRelative(expiresAt, now)} <span class="muted date">${expiresAt.slice(0, 10)}</span></td><td class="scale" aria-hidden="true">${bar}</td></tr>
`;
}

function writeBar(left: number, level: Level): Markup {
  const lines = ticks.map(
    ({ at }) => markup`<line class="tick" x1="${place(at)}%" x2="${place(at)}%" y1="0" y2="16"/>`,
  );
  return markup`<svg class="bar ${level}">${lines}<rect y="4" height="8" rx="2" width="${Math.max(0.5, place(left))}%"/></svg>`;
}

function writeScale(): Markup {
  const names = ticks.map(({ name, at }) => markup`<text x="${place(at)}%" y="12">${name}</text>`);
  return markup`<svg class="bar">${names}</svg>`;
}

/** The place of a span on the logarithmic scale, in percent. */
function place(span: number): number {
  const part = Math.log1p(Math.min(Math.max(span, 0), longest) / hour) / Math.log1p(longest / hour);
  return Math.round(1000 * part) / 10;
}
