/**
 * A line that shows what is being done, for as long as it is being done.
 *
 * @module
 */
import { cut, usualWidth } from './display-width.js';

/** What erases the line. */
const erased = '\r\u001B[K';

/** Room for the seconds. */
const secondsWidth = 12;

/** Where the line is written. */
export interface ProgressTerminal {
  /** The columns of the terminal. @defaultValue `80` */
  readonly width: number | undefined;
  readonly write: (text: string) => void;
}

/**
 * The line. It is written at once, because the work may keep the event loop busy, and from the second second on it
 * counts the seconds if it does not.
 */
export class Progress {
  readonly #what: string;
  readonly #write: ProgressTerminal['write'];
  readonly #since = performance.now();
  readonly #timer: NodeJS.Timeout;

  /** @param what - On one line, without control characters. */
  constructor(what: string, { width = usualWidth, write }: ProgressTerminal) {
    // A line that the terminal wraps could not be erased.
    this.#what = cut(what, Math.max(1, width - secondsWidth));
    this.#write = write;
    this.#draw('');
    this.#timer = setInterval(() => {
      const seconds = Math.round((performance.now() - this.#since) / 1000);
      this.#draw(` ${seconds} s`);
    }, 1000).unref();
  }

  /** Erases the line; it returns with the next second. */
  clear(): void {
    this.#write(erased);
  }

  /** Erases the line for good. */
  end(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #draw(seconds: string): void {
    const dots = this.#what.endsWith('…') ? '' : ' …';
    this.#write(`${seconds === '' ? '' : erased}${this.#what}${dots}${seconds}`);
  }
}
