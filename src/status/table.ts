/**
 * Tables that a screen reader and a phone can read. A table without entries is collapsed.
 *
 * @module
 */
import { type Markup, markup } from './markup.js';
import { type StatusList } from './status-material.js';

/** A column: its heading and the content of its cells. The first column is the row header. */
export interface Column<Entry> {
  readonly name: string;
  readonly kind?: 'number' | 'long';
  readonly cell: (entry: Entry) => string | number | Markup;
}

/** The words around a table. */
export interface TableWords {
  readonly title: string;
  readonly caption: string;
  /** In place of a table without entries. @defaultValue `'None.'` */
  readonly empty?: string | undefined;
}

/** Writes a table in a section with a heading. */
export function writeTable<Entry>(
  { title, caption, empty = 'None.' }: TableWords,
  { list, total }: StatusList<Entry>,
  columns: readonly Column<Entry>[],
): Markup {
  const id = title.toLowerCase().replace(/[^a-z]+/g, '-');
  const heading = markup`<summary><h2 id="${id}">${title}</h2> <span class="muted">${total === 0 ? 'none' : total}</span></summary>`;
  if (list.length === 0)
    return markup`<section aria-labelledby="${id}">\n<details>\n${heading}\n<p>${empty}</p>\n</details>\n</section>\n`;
  const head = columns.map(
    ({ name, kind }) => markup`<th role="columnheader" scope="col"${classOf(kind)}>${name}</th>`,
  );
  const rows = list.map((entry) => markup`<tr role="row">${columns.map(writeCell(entry))}</tr>\n`);
  // On narrow screens rows are blocks; the roles keep them rows for screen readers. The focusable region lets keyboard
  // users scroll a wide table.
  return markup`<section aria-labelledby="${id}">
<details open>
${heading}
<div class="wide" role="region" aria-labelledby="${id}" tabindex="0">
<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">
${rows}</tbody>
</table>
</div>
</details>
</section>
`;
}

function writeCell<Entry>(entry: Entry): (column: Column<Entry>, index: number) => Markup {
  return ({ name, kind, cell }, index) =>
    index === 0
      ? markup`<th role="rowheader" scope="row" data-name="${name}">${cell(entry)}</th>`
      : markup`<td role="cell"${classOf(kind)} data-name="${name}">${cell(entry)}</td>`;
}

function classOf(kind: string | undefined): Markup | string {
  return kind === undefined ? '' : markup` class="${kind}"`;
}

/** The caption's words for entries that are counted but not listed. */
export function notListed({ list, total }: StatusList<unknown>): string {
  return total > list.length ? `; ${total - list.length} more are not listed` : '';
}
