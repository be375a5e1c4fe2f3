/**
 * The output of the command: two streams, colours only on a terminal, and no control sequences from certificates.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { styleText } from 'node:util';
import { escapeUnsafe, replaceUnsafe } from '../x509/string.js';
import { Progress } from './progress.js';
import { wrapText } from './wrap.js';

/** The style of a text. */
export type Style = 'good' | 'bad' | 'warning' | 'dim' | 'strong';

/** The environment of the command. */
export interface World {
  /** Writes to stdout, unchanged. */
  readonly writeOut: (text: string) => void;
  /** Writes to stderr, unchanged. */
  readonly writeErr: (text: string) => void;
  /** The columns of stdout; `undefined` if it is not a terminal: its lines are then complete, however long. */
  readonly outWidth?: number | undefined;
  /** The columns of stderr, likewise. */
  readonly errWidth?: number | undefined;
  /** Whether stdout is a terminal with colours. */
  readonly hasColours: boolean;
  /** Whether stderr is a terminal, so that progress is shown. */
  readonly showsProgress: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads all of stdin. */
  readonly readIn: () => Promise<string>;
  /** Prompts for a secret without echo; `undefined` without a terminal. */
  readonly askSecret?: ((question: string) => Promise<string>) | undefined;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

const formats = { good: 'green', bad: 'red', warning: 'yellow', dim: 'dim', strong: 'bold' } as const;

/** The streams, with escaping and styles. */
export class Terminal {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** A text in a style, if colours are shown; only for {@link Terminal.out} and {@link Terminal.err}. */
  style(style: Style, text: string): string {
    if (!this.world.hasColours) return text;
    return styleText(formats[style], text, { validateStream: false }).replaceAll('\u001B[', `\u001B${own}[`);
  }

  /**
   * Writes lines to stdout, wrapped at word ends on a terminal.
   * @param width - The columns to wrap at, if stdout is no terminal. @defaultValue not wrapped
   */
  out(text: string, width?: number): void {
    this.world.writeOut(`${layOut(text, this.world.outWidth ?? width)}\n`);
  }

  /** Writes lines to stderr, wrapped likewise. */
  err(text: string, width?: number): void {
    this.#progress?.clear();
    this.world.writeErr(`${layOut(text, this.world.errWidth ?? width)}\n`);
  }

  /** Writes a JSON value to stdout, on several lines. */
  outJson(value: object): void {
    this.world.writeOut(`${printableJson(JSON.stringify(value, plainValue, 2))}\n`);
  }

  /** Writes a JSON value to stderr, on one line. */
  errJson(value: object): void {
    this.#progress?.clear();
    this.world.writeErr(`${printableJson(JSON.stringify(value))}\n`);
  }

  /**
   * Shows what an operation does while it runs, on a terminal only, and clears it afterwards.
   * @param what - Such as `'making alice'`.
   */
  async during<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
    const { showsProgress, errWidth, writeErr } = this.world;
    if (!showsProgress) return await work();
    this.#progress = new Progress(printable(what), { width: errWidth, write: writeErr });
    try {
      return await work();
    } finally {
      this.#progress.end();
      this.#progress = undefined;
    }
  }

  #progress: Progress | undefined;
}

function layOut(text: string, width: number | undefined): string {
  const lines = printable(text);
  return width === undefined ? lines : wrapText(lines, width);
}

function plainValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

// Secret: a certificate can contain the escape sequence of a colour, but not one of ours.
const own = randomBytes(16).toString('hex');
const ownColours = new RegExp(String.raw`\u001B${own}(\[(?:1|2|22|31|32|33|39)m)`);

/** Text with every character visible. Characters that could control a terminal, or are invisible, are escaped. */
export function printable(text: string): string {
  return text
    .split(ownColours)
    .map((part, index) => (index % 2 === 0 ? inLines(part, escapeUnsafe) : `\u001B${part}`))
    .join('');
}

/** JSON that stays valid after {@link printable}: the characters it would escape get JSON escapes. */
export function printableJson(json: string): string {
  const escape = (sign: string): string =>
    sign
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  return inLines(json, (line) => replaceUnsafe(line, escape));
}

/** Only line breaks of this program are kept. */
function inLines(text: string, escape: (line: string) => string): string {
  return text.split('\n').map(escape).join('\n');
}
