/**
 * A run as text and tables, for a terminal and for docs/reliability.md.
 *
 * @module
 */
import { formatTable } from '../bench/report.js';
import {
  connectionKinds,
  goodClients,
  goodPaceMs,
  otherClients,
  otherPaceMs,
  revokedRemotely,
  revokedUnderSni,
  steepestSlope,
} from './plan.js';
import type { SoakResult } from './result.js';
import { findFailures } from './truth/verdict.js';

/** Markdown, aligned for a terminal. */
export function formatResult(result: SoakResult): string {
  const { machine, measuredAt, seconds } = result;
  const about = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
  const failures = findFailures(result);
  return [
    `${seconds} seconds on ${measuredAt.slice(0, 10)}: ${about.join(', ')}. ${failures.length === 0 ? 'Passed.' : '**Failed.**'}`,
    ...(failures.length === 0 ? [] : [failures.map((failure) => `- ${failure}`).join('\n')]),
    assertions(result),
    latenesses(result),
    overloaded(result),
    clients(result),
    changes(result),
    server(result),
  ].join('\n\n');
}

function assertions({ counts, memory, left, exit, standingFaults: faults }: SoakResult): string {
  const slope = `${memory.megabytesAMinute.toFixed(2)} MB a minute, by ${memory.samples} samples after ${memory.warmUpSeconds} s`;
  const limit = memory.isAsserted ? `${steepestSlope} MB a minute` : 'not asserted: the run is too short';
  const { warm, last, peak } = memory;
  return formatTable(
    ['', 'seen', 'limit'],
    [
      ['requests served', withCommas(counts.served), ''],
      ['good requests lost', String(counts.lost), '0'],
      ['connections of good clients ended', String(counts.dropped), '0'],
      ['answers later than 1 s after the change', String(counts.late), '0'],
      ['answers to another client', String(counts.mistaken), '0'],
      ['samples in which a server had no fault', `${faults.without} of ${faults.samples}`, '0'],
      ['growth of resident memory', slope, limit],
      ['of that in what V8 counts', `${memory.countedMegabytesAMinute.toFixed(2)} MB a minute`, ''],
      ['resident memory: after warm-up, at the end, at most', `${warm} MB, ${last} MB, ${peak} MB`, ''],
      ['left open at the end', left.length === 0 ? 'nothing' : left.join(', '), 'nothing'],
      [
        "the server's process",
        exit === 0 ? 'ended by itself' : `ended with ${exit ?? 'nothing'}`,
        'ends by itself',
      ],
    ],
  );
}

function latenesses({ lateness }: SoakResult): string {
  const rows = lateness.map(({ cause, way, clients: out, answeredAfter, closedAfter }) => [
    way === undefined ? `**${cause}**` : `${cause}, ${way}`,
    String(out),
    `${answeredAfter.p99} ms`,
    `${answeredAfter.max} ms`,
    `${closedAfter.p99} ms`,
    `${closedAfter.max} ms`,
  ]);
  const head = ['out because', 'clients', 'last answer, p99', 'at most', 'connection closed, p99', 'at most'];
  return formatTable(head, rows);
}

function overloaded({ overloads }: SoakResult): string {
  const rows = overloads.map(({ name, revocations, handled, lastHandledMs, afterCommit, closedMs }) => [
    name,
    String(revocations),
    withCommas(handled),
    `${lastHandledMs} ms`,
    String(afterCommit),
    `${closedMs} ms`,
  ]);
  const head = ['load', 'revocations', 'handled', 'last, at most', 'after the commit', 'closed, at most'];
  return formatTable(head, rows);
}

function clients({ counts, skippedKinds }: SoakResult): string {
  const others = Object.values(otherClients).reduce(
    (sum, count) => sum + count,
    revokedUnderSni + 2 * revokedRemotely,
  );
  const kinds = connectionKinds.filter((kind) => !skippedKinds.includes(kind));
  const rows = kinds.map((kind) => [
    kind,
    `${goodClients[kind]}, every ${goodPaceMs[kind]} ms`,
    `every ${otherPaceMs[kind]} ms`,
    withCommas(counts.servedByKind[kind]),
  ]);
  const brought = counts.resumed + counts.notResumed;
  const resumed = `Of ${withCommas(brought)} connections that brought a session, ${withCommas(counts.resumed)} resumed it.`;
  return `${formatTable(['clients', 'good', `${others} others, all kinds in turn`, 'served'], rows)}\n\n${resumed}`;
}

function changes({ changes: made, serverCertificates }: SoakResult): string {
  const rows = [
    ...Object.entries(made.goodLists).map(([way, times]) => [`CRL ${way}`, String(times)]),
    ...Object.entries(made.brokenLists).map(([fault, times]) => [`broken CRL: ${fault}`, String(times)]),
    ...Object.entries(made.brokenSources).map(([fault, times]) => [`broken: ${fault}`, String(times)]),
    ...Object.entries(made.rotations).map(([way, times]) => [
      `key and certificate renewed, ${way}`,
      String(times),
    ]),
    ['certificates of the servers that new connections saw', String(serverCertificates)],
    ['a CA added', String(made.casAdded)],
    ['a CA removed', String(made.casRemoved)],
  ];
  return formatTable(['change', 'times'], rows);
}

function server({ server: figures }: SoakResult): string {
  const rows = [
    ['authenticated', String(figures.authenticated)],
    ['reloaded', String(figures.reloads)],
    ...tallied('reload-failed', figures.failedReloads),
    ...tallied('evicted', figures.evicted),
    ...tallied('refused', figures.refused),
  ];
  return formatTable(['event of all servers', 'times'], rows);
}

function tallied(event: string, tally: Readonly<Record<string, number>>): string[][] {
  return Object.entries(tally).map(([name, times]) => [`${event}: ${name}`, String(times)]);
}

function withCommas(count: number): string {
  return count.toLocaleString('en-US');
}
