/**
 * The tables of what happened: refusals, forbidden requests, evictions and reloads.
 *
 * @module
 */
import { count } from '../quantity.js';
import { praise, warn, writeWho } from './cells.js';
import { isolate, type Markup, markup, writeRelative } from './markup.js';
import { type StatusForbidden } from './status-overview.js';
import {
  type StatusRefusal,
  type StatusRefusals,
  type StatusReload,
  type StatusReport,
} from './status-report.js';
import { type Column, notListed, writeTable } from './table.js';

/** Writes the tables. */
export function writeHistory(report: StatusReport): Markup[] {
  const { refusals, evictions, forbidden, reloads } = report;
  const now = Date.parse(report.at);
  const captions = {
    refusals: `Refused handshakes: ${countReasons(refusals)}`,
    forbidden: `Requests that a rule answered with 403: ${forbidden.total}${notListed({ ...forbidden, total: forbidden.list.length })}`,
    evictions: `Connections closed because the client is no longer admitted: ${countReasons(evictions)}`,
    reloads: `Reloads that changed something or failed: ${reloads.total}, of which ${reloads.failed} failed`,
  };
  return [
    writeTable({ title: 'Refusals', caption: captions.refusals }, refusals, refusalColumns(now)),
    writeTable(
      { title: 'Forbidden requests', caption: captions.forbidden },
      forbidden,
      forbiddenColumns(now),
    ),
    writeTable({ title: 'Evictions', caption: captions.evictions }, evictions, refusalColumns(now)),
    writeTable({ title: 'Reloads', caption: captions.reloads }, reloads, reloadColumns(now)),
  ];
}

function refusalColumns(now: number): readonly Column<StatusRefusal>[] {
  return [
    { name: 'Last', cell: ({ at }) => writeRelative(at, now) },
    { name: 'Who', cell: writeWho },
    { name: 'From', cell: ({ remoteAddress }) => remoteAddress },
    { name: 'Reason', cell: ({ reason }) => reason },
    { name: 'Detail', kind: 'long', cell: ({ detail }) => isolate(detail) },
    timesColumn(now),
  ];
}

function forbiddenColumns(now: number): readonly Column<StatusForbidden>[] {
  return [
    { name: 'Last', cell: ({ at }) => writeRelative(at, now) },
    { name: 'Who', cell: writeWho },
    { name: 'From', cell: ({ remoteAddress }) => remoteAddress },
    {
      name: 'Request',
      cell: ({ method, url }) => isolate([method, url].filter((part) => part !== null).join(' ')),
    },
    {
      name: 'Rule',
      kind: 'long',
      cell: ({ rule, refusedBy }) =>
        markup`<code>${rule}</code>${refusedBy.length === 0 ? '' : markup`<br>forbids by ${isolate(refusedBy.join(', '))}`}`,
    },
    timesColumn(now),
  ];
}

function timesColumn(now: number): Column<Pick<StatusRefusal, 'count' | 'firstAt'>> {
  return {
    name: 'Times',
    kind: 'number',
    cell: ({ count: times, firstAt }) =>
      times === 1 ? 1 : markup`${times}<br><span class="muted">first ${writeRelative(firstAt, now)}</span>`,
  };
}

function reloadColumns(now: number): readonly Column<StatusReload>[] {
  return [
    { name: 'At', cell: ({ at }) => writeRelative(at, now) },
    {
      name: 'Outcome',
      cell: ({ outcome }) => (outcome === 'failed' ? warn('failed') : praise(outcome)),
    },
    { name: 'Detail', kind: 'long', cell: writeReload },
  ];
}

function writeReload(reload: StatusReload): Markup | string {
  if (reload.outcome === 'failed')
    return markup`${reload.code}: ${isolate(reload.message)}<br>The last-good copy, if there is one, stays in force.`;
  if (reload.outcome === 'recovered')
    return reload.removed
      ? markup`${isolate(reload.source)} was removed: ${reload.code} no longer applies.`
      : markup`${isolate(reload.source)} can be used again: ${reload.code} is fixed.`;
  const { added, removed, evicted, durationMs } = reload;
  return `${added} newly revoked, ${removed} no longer listed, ${count(evicted, 'connection')} closed, ${durationMs} ms`;
}

function countReasons({ total, byReason }: StatusRefusals): string {
  const reasons = Object.entries(byReason).map(([reason, times]) => `${times} ${reason}`);
  return `${total} (${reasons.join(', ')})`;
}
