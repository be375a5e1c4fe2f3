/**
 * Formats reports as lines on a terminal.
 *
 * @module
 */
import type { Terminal } from '../terminal.js';
import { type Report, type Row } from './report.js';

const labelWidth = 13;

/** Formats one report. */
export function layOut({ origin, title, rows, notes, verdict }: Report, terminal: Terminal): string {
  const lines = [
    `${terminal.style('strong', origin)}: ${title}`,
    ...rows.flatMap((row) => layOutRow(row, terminal)),
    ...notes.map((note) => `  ${terminal.style('warning', 'Note:')} ${note}`),
  ];
  if (verdict === undefined) return lines.join('\n');
  const { as, refusals, praise, reservation } = verdict;
  if (refusals.length > 0) lines.push(`  ${terminal.style('bad', `Would be refused as ${as}:`)}`);
  else if (reservation !== undefined) lines.push(`  ${terminal.style('warning', reservation)}`);
  else if (praise !== undefined) lines.push(`  ${terminal.style('good', praise)}`);
  for (const { reason, detail } of refusals) lines.push(`    - ${reason}: ${detail}`);
  return lines.join('\n');
}

function layOutRow([label, first = '', ...others]: Row, terminal: Terminal): string[] {
  return [
    `  ${terminal.style('dim', label.padEnd(labelWidth))}${first}`,
    ...others.map((line) => `  ${' '.repeat(labelWidth)}${line}`),
  ];
}
