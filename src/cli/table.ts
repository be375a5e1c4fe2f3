/**
 * Tables for people: aligned by display width, and on a terminal no wider than it is.
 *
 * @module
 */
import { cut, widthOf } from './display-width.js';
import { printable, type Style, type Terminal } from './terminal.js';
import { wrapWords } from './wrap.js';

/** A cell and its style. */
export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** A column. */
export interface Column {
  readonly title: string;
  /**
   * When the column is left out on a narrow terminal: `'early'`, before cells are wrapped, or `'late'`, if wrapped cells
   * do not fit either. Of two such columns, the right one is left out first.
   * @defaultValue never
   */
  readonly leftOut?: 'early' | 'late';
}

const gap = 2;
const narrowestCell = 10;

/**
 * Formats a table. On a terminal that is too narrow for it, columns are left out, cells wrapped at word ends, and
 * words cut, in this order, and a last line says so. In a pipe or a file it is complete.
 * @param rows - Each is as long as `columns`.
 */
export function formatTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  // Escaped before measuring, so that the printed text is what is measured.
  const table: Table = columns.map((column, index) => ({
    column,
    cells: [
      { text: column.title, style: 'strong' },
      ...rows.map((row) => ({ ...row[index], text: printable(row[index]?.text ?? '') })),
    ],
  }));
  const width = terminal.world.outWidth;
  if (width === undefined) return layOut(terminal, table, table.map(widthOfColumn)).text;
  const shown = chooseColumns(table, width);
  const { text, isCut } = layOut(terminal, shown, shareOut(shown, width));
  const hint = describeLoss(table, shown, isCut);
  return hint === undefined ? text : `${text}\n${terminal.style('dim', hint)}`;
}

type Table = readonly { readonly column: Column; readonly cells: readonly Cell[] }[];

function chooseColumns(table: Table, width: number): Table {
  let shown = table;
  for (const [leftOut, need] of [
    ['early', widthOfColumn],
    ['late', neededWidth],
  ] as const) {
    while (total(shown.map(need)) > width) {
      const last = shown.findLastIndex(({ column }) => column.leftOut === leftOut);
      if (last < 0) break;
      shown = shown.filter((_, index) => index !== last);
    }
  }
  return shown;
}

/** The width of each column: what it needs, or less, taken from the widest ones. */
function shareOut(table: Table, width: number): number[] {
  const widths = table.map(widthOfColumn);
  for (const least of [neededWidth, () => 1]) {
    const leasts = table.map(least);
    while (total(widths) > width) {
      const spare = widths.map((each, index) => (each > (leasts[index] as number) ? each : 0));
      const most = Math.max(...spare);
      if (most === 0) break;
      widths[spare.indexOf(most)] = most - 1;
    }
  }
  return widths;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, gap * (widths.length - 1));
}

function widthOfColumn({ cells }: Table[number]): number {
  return widest(cells.map(({ text }) => text));
}

/** The longest word, or ten columns of longer cells: shorter lines are hard to read. */
function neededWidth(column: Table[number]): number {
  const longest = widest(column.cells.flatMap(({ text }) => text.split(' ')));
  return Math.max(longest, Math.min(narrowestCell, widthOfColumn(column)));
}

function layOut(
  terminal: Terminal,
  table: Table,
  room: readonly number[],
): { readonly text: string; readonly isCut: boolean } {
  let isCut = false;
  const wrapped = table.map(({ cells }, index) => {
    const width = room[index] as number;
    return cells.map(({ text, style }) => {
      const parts = wrapEvenly(text, width);
      isCut ||= parts.some((part) => widthOf(part) > width);
      return { parts: parts.map((part) => cut(part, width)), style };
    });
  });
  const widths = wrapped.map((cells) => widest(cells.flatMap(({ parts }) => parts)));
  const lines = (wrapped[0] ?? []).flatMap((_, row) => {
    const cells = wrapped.map(({ [row]: cell = { parts: [], style: undefined } }) => cell);
    const height = Math.max(...cells.map(({ parts }) => parts.length));
    return Array.from({ length: height }, (_line, line) =>
      cells
        .map(({ parts: { [line]: text = '' }, style }, index) => {
          const padding = ' '.repeat((widths[index] as number) - widthOf(text) + gap);
          return (style === undefined || text === '' ? text : terminal.style(style, text)) + padding;
        })
        .join('')
        .trimEnd(),
    );
  });
  return { text: lines.join('\n'), isCut };
}

/** Wraps a cell into the fewest lines, and these as narrow as possible, so that no short word stands alone. */
function wrapEvenly(text: string, width: number): string[] {
  let lines = widthOf(text) <= width ? [text] : wrapWords(text, width);
  for (let narrower = width - 1; lines.length > 1 && narrower > 0; narrower--) {
    const tried = wrapWords(text, narrower);
    if (tried.length > lines.length || widest(tried) > narrower) break;
    lines = tried;
  }
  return lines;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, widthOf(text)), 0);
}

function describeLoss(table: Table, shown: Table, isCut: boolean): string | undefined {
  const leftOut = table.filter((column) => !shown.includes(column)).map(({ column }) => column.title);
  const losses = [
    ...(leftOut.length === 0
      ? []
      : [`${leftOut.join(', ')} ${leftOut.length === 1 ? 'is' : 'are'} left out`]),
    ...(isCut ? ['long words are cut'] : []),
  ];
  if (losses.length === 0) return undefined;
  return `To fit this terminal, ${losses.join(', and ')}. With --json or in a pipe the list is complete.`;
}
