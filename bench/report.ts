/**
 * Results as tables, for a terminal and for docs/benchmarks.md.
 *
 * @module
 */
import {
  type BenchmarkResult,
  formatFigure,
  formatGoal,
  meetsGoal,
  type Results,
} from './harness/results.js';

/** Every benchmark: its title, a table, its notes. Markdown, aligned for a terminal. */
export function formatResults({ benchmarks, machine, measuredAt, quick }: Results): string {
  const about = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
  const head = `Measured on ${measuredAt.slice(0, 10)}${quick ? ' with small counts, so roughly' : ''}: ${about.join(', ')}.`;
  return [head, ...benchmarks.map(formatBenchmark)].join('\n\n');
}

function formatBenchmark({ name, title, figures, notes, measuredAt }: BenchmarkResult): string {
  const rows = figures.map((figure) => [
    figure.label,
    formatFigure(figure),
    formatGoal(figure),
    describeOutcome(meetsGoal(figure)),
  ]);
  const table = formatTable(['', 'measured', 'goal', ''], rows);
  const date = measuredAt === undefined ? [] : [`Measured on ${measuredAt.slice(0, 10)}.`];
  return [`### ${title} (\`${name}\`)`, ...date, table, ...notes].join('\n\n');
}

function describeOutcome(met: boolean | undefined): string {
  if (met === undefined) return '';
  return met ? 'met' : '**missed**';
}

/** A table in Markdown, aligned. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
