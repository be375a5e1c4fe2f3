/**
 * Where the command writes: two streams, colours only where somebody looks, and
 * nothing that a certificate says can steer the terminal.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { styleText } from 'node:util';
import { escapeUnsafe, replaceUnsafe } from '../x509/string.js';

/** What a word is to look like. */
export type Style = 'good' | 'bad' | 'warning' | 'dim' | 'strong';

/** What the command needs of the world. */
export interface World {
  /** Writes to stdout, as it is. */
  readonly writeOut: (text: string) => void;
  /** Writes to stderr, as it is. */
  readonly writeErr: (text: string) => void;
  /** Whether stdout is a terminal that shows colours. */
  readonly hasColours: boolean;
  /** Whether somebody looks at stderr, so that progress is worth a line. */
  readonly showsProgress: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads all of stdin. */
  readonly readIn: () => Promise<string>;
  /** Asks for a secret without showing it; `undefined` where nobody sits at a terminal. */
  readonly askSecret?: ((question: string) => Promise<string>) | undefined;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

const formats = { good: 'green', bad: 'red', warning: 'yellow', dim: 'dim', strong: 'bold' } as const;

/** The streams, with a hand on what goes through. */
export class Terminal {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** A text in a style, where colours are shown; for {@link Terminal.out} and {@link Terminal.err}, which show it. */
  style(style: Style, text: string): string {
    if (!this.world.hasColours) return text;
    return styleText(formats[style], text, { validateStream: false }).replaceAll('\u001B[', `\u001B${own}[`);
  }

  /** Writes lines to stdout. */
  out(text: string): void {
    this.world.writeOut(`${printable(text)}\n`);
  }

  /** Writes lines to stderr. */
  err(text: string): void {
    this.world.writeErr(`${printable(text)}\n`);
  }

  /** Says what takes its time while it does, and wipes it away after. */
  async during<Result>(what: string, work: Promise<Result>): Promise<Result> {
    if (!this.world.showsProgress) return await work;
    this.world.writeErr(printable(`${what} …`));
    try {
      return await work;
    } finally {
      this.world.writeErr('\r\u001B[K');
    }
  }
}

// Nobody else can know it: a certificate may say the escape sequence of a colour, and not one of ours.
const own = randomBytes(16).toString('hex');
const ownColours = new RegExp(String.raw`\u001B${own}(\[(?:1|2|22|31|32|33|39)m)`);

/** Text whose every character is seen: what could steer a terminal, or is not seen in one, is written as an escape. */
export function printable(text: string): string {
  return text
    .split(ownColours)
    .map((part, index) => (index % 2 === 0 ? inLines(part, escapeUnsafe) : `\u001B${part}`))
    .join('');
}

/** JSON that is still JSON after {@link printable}: what that would escape has the escape of JSON. */
export function printableJson(json: string): string {
  const escape = (sign: string): string =>
    sign
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  return inLines(json, (line) => replaceUnsafe(line, escape));
}

/** Line breaks are ours. */
function inLines(text: string, escape: (line: string) => string): string {
  return text.split('\n').map(escape).join('\n');
}
