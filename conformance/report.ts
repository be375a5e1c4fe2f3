/**
 * Results as text and tables, for a terminal, for docs/conformance.md and for README.md.
 *
 * @module
 */
import { formatTable } from '../bench/report.js';
import { type Group, groups } from './check.js';
import { costTexts } from './costs.js';
import { type CheckResult, countOutcomes, type Outcome, type Results, type ServerResult } from './result.js';

const marks: Readonly<Record<Outcome, string>> = { pass: 'pass', fail: '**fail**', 'n/a': 'n/a' };

/** The table of README.md: for each group, how many of the checks that apply a server passes. */
export function formatSummary({ servers, checks, leftOut }: Results): string {
  const inGroup = (server: ServerResult, group: string): string => {
    const { pass, fail } = countOutcomes(server.results.filter(({ id }) => id.startsWith(group)));
    return pass + fail === 0 ? 'n/a' : `${pass} of ${pass + fail}`;
  };
  const present = (Object.keys(groups) as Group[]).filter((group) =>
    checks.some(({ id }) => id.startsWith(`${group}.`)),
  );
  const rows = servers.map((server) => [
    `${server.name} ${server.version}`,
    ...present.map((group) => inGroup(server, `${group}.`)),
    inGroup(server, ''),
  ]);
  const table = formatTable(['', ...present.map((group) => groups[group].toLowerCase()), 'all'], rows);
  return [table, ...leftOut.map(({ name, reason }) => `${name} was left out: ${reason}.`)].join('\n\n');
}

/** Each failure with what was seen. */
export function formatFailures({ servers }: Results): string {
  return servers
    .map(({ name, version, results }) => {
      const failures = results.filter(({ outcome }) => outcome === 'fail');
      const lines = failures.map(({ id, seen }) => `- \`${id}\`: ${escaped(seen)}`);
      return `### ${name} ${version}\n\n${lines.length === 0 ? 'No check failed.' : lines.join('\n')}`;
    })
    .join('\n\n');
}

/** How each server was configured. */
export function formatConfigurations({ servers }: Results): string {
  return servers
    .map(({ name, title, configuration }) => `### ${name}: ${title}\n\n\`\`\`text\n${configuration}\n\`\`\``)
    .join('\n\n');
}

/** Checks down, servers across. */
export function formatMatrix({ servers, checks }: Results): string {
  const head = ['', ...servers.map(({ name }) => name)];
  return (Object.keys(groups) as Group[])
    .map((group) => {
      const rows = checks
        .filter(({ id }) => id.startsWith(`${group}.`))
        .map(({ id }) => [`\`${id}\``, ...servers.map(({ results }) => marks[outcomeOf(results, id)])]);
      return `### ${groups[group]}\n\n${formatTable(head, rows)}`;
    })
    .join('\n\n');
}

/** Each check: its sentence, what is done, and what is behind it. */
export function formatChecks({ checks }: Results): string {
  return checks
    .map(({ id, sentence, steps, reference }) => `- \`${id}\`: ${sentence} ${steps} _${escaped(reference)}_`)
    .join('\n');
}

/** What a server does not claim to do. */
export function formatLacks({ servers }: Results): string {
  const lines = servers.flatMap(({ name, results }) => {
    const reasons = new Map<string, number>();
    for (const { outcome, seen } of results)
      if (outcome === 'n/a') reasons.set(seen, (reasons.get(seen) ?? 0) + 1);
    return [...reasons].map(([reason, count]) => `- ${name}, ${count} checks: ${escaped(reason)}`);
  });
  return lines.join('\n');
}

/** What was measured. */
export function formatCosts({ servers }: Results): string {
  const measured = servers.filter(({ costs }) => costs.length > 0);
  const rows = Object.entries(costTexts).map(([id, text]) => [
    text,
    ...measured.map(({ costs }) => costs.find((cost) => cost.id === id)?.seen ?? ''),
  ]);
  return measured.length === 0
    ? 'Not measured.'
    : formatTable(['', ...measured.map(({ name }) => name)], rows);
}

function outcomeOf(results: readonly CheckResult[], id: string): Outcome {
  return results.find((result) => result.id === id)?.outcome ?? 'n/a';
}

/** What a server or a certificate says must not become markup. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_<>|[\]]/g, '\\$&').replaceAll('\n', ' ');
}
