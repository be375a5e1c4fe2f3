/**
 * The columns that a text takes on a terminal, and the columns that a terminal has.
 *
 * @module
 */

const style = /\u001B\[\d+m/g;

// Characters that terminals draw two columns wide: East Asian scripts, their full-width forms, and pictographs.
const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}|[\u{20000}-\u{3FFFD}]/u;

/** The columns of a printable text. Styles and combining characters take none, East Asian characters two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of withoutStyles(text)) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** A printable text without its colours. */
export function withoutStyles(text: string): string {
  return text.replace(style, '');
}

/** The columns of a help text in a pipe or a file, and on a terminal of unknown width. */
export const usualWidth = 80;

const narrowest = 20;

/** What is known of an output stream. */
interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * The width of a terminal in columns: the variable COLUMNS, or what the terminal reports, or 80; at least 20.
 * @returns `undefined` if the stream is no terminal. Its lines are for programs, and are never wrapped or shortened.
 */
export function widthOfStream(
  { isTTY = false, columns = 0 }: Stream,
  { COLUMNS = '' }: Readonly<Record<string, string | undefined>>,
): number | undefined {
  if (!isTTY) return undefined;
  const wanted = /^[1-9]\d{0,3}$/.test(COLUMNS) ? Number(COLUMNS) : columns;
  return wanted > 0 ? Math.max(wanted, narrowest) : usualWidth;
}

/** A printable text without styles, cut to at most `width` columns; the last one is then an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = '';
  let taken = 0;
  for (const character of text) {
    taken += widthOf(character);
    if (taken > width - 1) break;
    short += character;
  }
  return `${short}…`;
}
