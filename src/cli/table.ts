/**
 * Tables for people: aligned by display width, with long cells truncated.
 *
 * @module
 */
import { printable, type Style, type Terminal } from './terminal.js';

/** A cell and its style. */
export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** A column. */
export interface Column {
  readonly title: string;
  /** Longer cells are truncated. @defaultValue never */
  readonly maxWidth?: number;
}

/** Formats a table. Each row is as long as `columns`. */
export function formatTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  const titles = columns.map(({ title }): Cell => ({ text: title, style: 'strong' }));
  // Escaped before measuring, so that the printed text is what is measured.
  const cells = [titles, ...rows].map((row) =>
    row.map(({ text, style }, index) => ({ text: cut(printable(text), columns[index]?.maxWidth), style })),
  );
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => widthOf(row[index]?.text ?? ''))));
  return cells
    .map((row) =>
      row
        .map(({ text, style }, index) => {
          const isLast = index === row.length - 1;
          const padding = isLast ? '' : ' '.repeat((widths[index] ?? 0) - widthOf(text) + 2);
          return (style === undefined ? text : terminal.style(style, text)) + padding;
        })
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

function cut(text: string, maxWidth = Infinity): string {
  if (widthOf(text) <= maxWidth) return text;
  let short = '';
  for (const character of text) {
    if (widthOf(short + character) > maxWidth - 1) break;
    short += character;
  }
  return `${short}…`;
}

// Characters that terminals draw two columns wide: East Asian scripts, their full-width forms, and pictographs.
const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}|[\u{20000}-\u{3FFFD}]/u;

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}
