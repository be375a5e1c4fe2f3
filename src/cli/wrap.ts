/**
 * Wraps lines at word ends. Continuation lines are aligned below the text, not below its label.
 *
 * @module
 */
import { widthOf, withoutStyles } from './display-width.js';

/**
 * Wraps each line of a printable text. A word that is wider than the line stands alone on a line, unbroken, so that it
 * can be copied. A shell command continues after a backslash.
 * @param width - The columns of the terminal, at least 20.
 */
export function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= width ? [line] : wrapLine(line, width)))
    .join('\n');
}

/** The lines of a text without labels and indentation, such as a cell of a table. */
export function wrapWords(text: string, width: number): string[] {
  return fill(proseWords(text), { width, first: 0, rest: 0, continuation: '' });
}

/** A word that is not broken, and the spaces before it. */
interface Word {
  readonly gap: string;
  readonly text: string;
  /** The words that it was joined of, for a line with too little room. */
  readonly parts?: readonly Word[];
}

function wrapLine(line: string, width: number): string[] {
  const plain = withoutStyles(line);
  const first = firstIndent(plain, width);
  const command = /^ *(\$ )?(?:[A-Z_]+=\S+ )*(?:express-mtls|curl|rm) /.exec(plain);
  if (command !== null) {
    const rest = first + (command[1] === undefined ? 2 : 4);
    return fill(shellWords(line), { width, first, rest, continuation: ' \\' });
  }
  return fill(proseWords(line), { width, first, rest: indentBelow(plain, width), continuation: '' });
}

interface Shape {
  readonly width: number;
  /** The indentation of the first line. */
  readonly first: number;
  /** The indentation of the other lines. */
  readonly rest: number;
  /** What a line ends with, if another one follows. */
  readonly continuation: string;
}

function fill(words: readonly Word[], { width, first, rest, continuation }: Shape): string[] {
  const lines: string[] = [];
  const room = width - continuation.length;
  // An indentation gives way to a long word.
  const startLine = (indent: number, text: string): string =>
    ' '.repeat(Math.max(0, Math.min(indent, room - widthOf(text)))) + text;
  let current: string | undefined;
  const fitting = words.flatMap((word) => (rest + widthOf(word.text) > room ? (word.parts ?? word) : word));
  for (const { gap, text } of fitting) {
    if (current === undefined) current = startLine(first, text);
    else if (widthOf(current) + gap.length + widthOf(text) <= room) current += gap + text;
    else {
      lines.push(current + continuation);
      current = startLine(rest, text);
    }
  }
  return [...lines, current ?? ''];
}

function proseWords(line: string): Word[] {
  return Array.from(line.matchAll(/( *)([^ ]+)/g), ([, gap = '', text = '']) => ({ gap, text })).flatMap(
    splitFingerprint,
  );
}

/** A fingerprint, the one word that is wider than most lines, can be broken between bytes. */
function splitFingerprint({ gap, text }: Word): Word[] {
  if (!/^(?:[0-9A-F]{2}:){15,}[0-9A-F]{2}$/.test(text)) return [{ gap, text }];
  return text.split(/(?<=:)/).map((byte, index) => ({ gap: index === 0 ? gap : '', text: byte }));
}

/** The words of a command; an option is kept with its value, and a quoted text is one word. */
function shellWords(line: string): Word[] {
  const words = Array.from(
    line.matchAll(/( *)((?:[^ '"]|'[^']*'|"[^"]*"|['"])+)/g),
    ([, gap = '', text = '']) => ({ gap, text }),
  );
  const joined: Word[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    const isPrompt = last?.text === '$';
    const isValue = last !== undefined && /^--?[a-z][^ ]*$/.test(last.text) && !word.text.startsWith('-');
    if (last !== undefined && (isPrompt || isValue))
      joined.splice(-1, 1, {
        gap: last.gap,
        text: last.text + word.gap + word.text,
        ...(isPrompt ? {} : { parts: [last, word] }),
      });
    else joined.push(word);
  }
  return joined;
}

/** A line keeps its indentation, unless little room would be left. */
function firstIndent(plain: string, width: number): number {
  const indent = /^ */.exec(plain)?.[0].length ?? 0;
  return indent > widestIndent(width) ? Math.floor(width / 5) : indent;
}

function widestIndent(width: number): number {
  return Math.floor(width * 0.4);
}

/** Below the last column that starts in the left part of the line, or below the text of a list item. */
function indentBelow(plain: string, width: number): number {
  const widest = widestIndent(width);
  const columns = Array.from(
    plain.slice(0, widest + 1).matchAll(/(?:^|[^ ]) {2,}(?=[^ ])/g),
    ({ 0: found, index }) => widthOf(plain.slice(0, index + found.length)),
  );
  const start = Math.max(firstIndent(plain, width), ...columns.filter((column) => column <= widest));
  const [, bullet] = /^ *(->? )/.exec(plain) ?? [];
  return bullet === undefined ? start : Math.max(start, firstIndent(plain, width) + bullet.length);
}
