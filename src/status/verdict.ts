/**
 * The headline of the page, and the problems that it sums up. It is green only if there is no problem.
 *
 * @module
 */
import { count } from '../quantity.js';
import { processesBehind } from './fleet-state.js';
import { isolate, type Markup, markup, spanOf, writeRelative, writeSpan } from './markup.js';
import { type StatusExpiry } from './status-overview.js';
import { type StatusReport } from './status-report.js';
import { type Level } from './symbols.js';

/** Something that an operator should act on. */
export interface Problem {
  /** `'bad'`: now. `'warning'`: soon, or it may be intended. */
  readonly level: Exclude<Level, 'good'>;
  readonly text: Markup;
  /** How many problems it stands for. */
  readonly count: number;
}

/** The headline, and why. */
export interface Verdict {
  readonly level: Level;
  /** `Ready with 1 problem and 2 warnings`. */
  readonly headline: string;
  /** The worst first. */
  readonly problems: readonly Problem[];
}

/** Of each kind, further problems are only counted. */
const mostOfKind = 5;

/** The part of a report that the headline sums up. */
type Judged = Pick<
  StatusReport,
  'at' | 'authorities' | 'crls' | 'expiries' | 'faults' | 'fleet' | 'healthy' | 'proxies' | 'ready'
>;

/** Sums up a report. */
export function judgeReport(report: Judged): Verdict {
  const now = Date.parse(report.at);
  const found = [
    ...unready(report),
    ...faults(report, now),
    ...expired(report, now),
    ...unconfirmed(report),
    ...uncovered(report),
    ...fleet(report),
    ...expiringSoon(report, now),
  ];
  const [problems, warnings] = (['bad', 'warning'] as const).map((level) =>
    found.filter((each) => each.level === level),
  ) as [Problem[], Problem[]];
  const counted = [...countAll(problems, 'problem'), ...countAll(warnings, 'warning')];
  const ready = report.ready ? 'Ready' : 'Not ready';
  return {
    level: problems.length > 0 ? 'bad' : warnings.length > 0 ? 'warning' : 'good',
    headline: `${ready}${counted.length === 0 ? '' : ` with ${counted.join(' and ')}`}`,
    problems: [...problems, ...warnings],
  };
}

function countAll(problems: readonly Problem[], noun: string): string[] {
  const all = problems.reduce((sum, each) => sum + each.count, 0);
  return all === 0 ? [] : [count(all, noun)];
}

function unready({ ready, crls }: Judged): Problem[] {
  if (ready) return [];
  // The CRLs follow one by one, so this line is not counted.
  if (crls.total > 0) return [{ level: 'bad', text: markup`Every CRL is stale.`, count: 0 }];
  return [problem('bad', markup`The sources have not been read yet: every client is refused.`)];
}

function faults({ faults: standing }: Judged, now: number): Problem[] {
  const problems = standing.map(({ source, code, message, since }) =>
    problem(
      'bad',
      markup`${isolate(source)} has been at fault for ${writeSpan(since, spanOf(now - Date.parse(since)))}. Its last-good copy, if it has one, is in force. ${code}: ${isolate(message)}`,
    ),
  );
  return firstOf(problems, 'more sources are at fault');
}

function expired({ expiries, healthy }: Judged, now: number): Problem[] {
  const problems = expiries.list
    .filter(({ state }) => state === 'expired')
    .map((expiry) => {
      const inGrace = expiry.kind === 'crl' && healthy;
      const text = markup`${nameExpiry(expiry)} expired ${writeRelative(expiry.expiresAt, now)}${inGrace ? ' and is within its grace period' : `: ${consequences[expiry.kind]}`}.`;
      return problem(inGrace ? 'warning' : 'bad', text);
    });
  return firstOf(problems, 'more have expired');
}

const consequences: Readonly<Record<StatusExpiry['kind'], string>> = {
  'server-certificate': 'clients that verify it do not connect',
  ca: 'its clients are refused',
  'proxy-ca': 'its proxies are refused',
  crl: 'its clients are refused, unless the policy admits them',
};

/** With `maxAgeMs`, a CRL is stale before its nextUpdate if its source has not confirmed it in time. */
function unconfirmed({ healthy, faults: standing, expiries }: Judged): Problem[] {
  const isExplained =
    standing.length > 0 || expiries.list.some(({ kind, state }) => kind === 'crl' && state === 'expired');
  if (healthy || isExplained) return [];
  return [problem('bad', markup`A CRL is stale: its source has not confirmed it in time.`)];
}

function uncovered({ authorities: { list }, proxies, ready }: Judged): Problem[] {
  const all = [...list, ...(proxies?.authorities.list ?? [])];
  const early = all.filter(({ state }) => state === 'not-yet-valid');
  const missing = list.filter(({ crl }) => crl === 'missing');
  const bare = list.filter(({ crl }) => crl === 'not-configured');
  const without =
    bare.length === list.length
      ? markup`No CRL is configured: no client is ever revoked.`
      : markup`No CRL is configured for ${isolate(bare.flatMap(({ names }) => names).join(', '))}: its clients are never revoked.`;
  return [
    ...firstOf(
      early.map(({ subject }) => problem('bad', markup`The CA ${isolate(subject)} is not valid yet.`)),
      'more CAs are not valid yet',
    ),
    ...firstOf(
      missing.map(({ subject }) =>
        problem(
          'warning',
          markup`The CA ${isolate(subject)} has no CRL: its clients are refused, unless the policy admits them.`,
        ),
      ),
      'more CAs have no CRL',
    ),
    ...(ready && bare.length > 0 ? [problem('warning', without)] : []),
  ];
}

function fleet({ fleet: processes }: Judged): Problem[] {
  if (processes === undefined) return [];
  if (processes.outcome === 'failed')
    return [problem('warning', markup`The store of the fleet cannot be read.`)];
  const behind = processesBehind(processes).length;
  if (behind === 0) return [];
  const which = `${behind} of ${count(processes.total, 'process', 'processes')}`;
  return [
    problem(
      'warning',
      markup`${which} of the fleet ${behind === 1 ? 'does' : 'do'} not have the newest CRLs in force.`,
    ),
  ];
}

function expiringSoon({ expiries }: Judged, now: number): Problem[] {
  const soon = expiries.list.filter(({ state }) => state === 'soon');
  return firstOf(
    soon.map((expiry) =>
      problem('warning', markup`${nameExpiry(expiry)} expires ${writeRelative(expiry.expiresAt, now)}.`),
    ),
    'more expire soon',
  );
}

const kinds: Readonly<Record<StatusExpiry['kind'], string>> = {
  'server-certificate': 'The certificate of',
  ca: 'The CA',
  'proxy-ca': 'The CA of proxies',
  crl: 'The CRL of',
};

/** `The CRL of CN=ca`. */
export function nameExpiry({ kind, name }: StatusExpiry): Markup {
  return markup`${kinds[kind]} ${name === null ? 'the server' : isolate(name)}`;
}

function problem(level: Problem['level'], text: Markup): Problem {
  return { level, text, count: 1 };
}

function firstOf(problems: readonly Problem[], more: string): Problem[] {
  const others = problems.slice(mostOfKind);
  const [first] = others;
  if (first === undefined) return [...problems];
  const rest = { level: first.level, text: markup`${others.length} ${more}.`, count: others.length };
  return [...problems.slice(0, mostOfKind), rest];
}
