/**
 * A logger that keeps its lines, so that the demo can show each at the right step.
 *
 * @module
 */
import type { Logger } from 'express-mtls';
import { within } from './narrator.js';

/** One line: `fields` is what a program reads, `message` is for people. */
export interface LogLine {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A {@link Logger} that returns the next line about an event on request. */
export class ServerLog implements Logger {
  readonly #lines: LogLine[] = [];
  #wake: (() => void) | undefined;

  info(fields: object, message: string): void {
    this.#lines.push({ fields: { ...fields }, message });
    this.#wake?.();
  }

  warn(fields: object, message: string): void {
    this.info(fields, message);
  }

  error(fields: object, message: string): void {
    this.info(fields, message);
  }

  /** Returns the next line of an event, and drops all lines before it. */
  async next(event: string): Promise<LogLine> {
    for (;;) {
      const index = this.#lines.findIndex(({ fields }) => fields['event'] === event);
      const line = this.#lines[index];
      if (line !== undefined) {
        this.#lines.splice(0, index + 1);
        return line;
      }
      const more = new Promise<void>((resolve) => (this.#wake = resolve));
      await within(`a log line about '${event}'`, more);
    }
  }
}
