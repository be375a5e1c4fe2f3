/**
 * The changes to the server's files with their times, for failure messages.
 *
 * @module
 */
import { machineTime } from '../../bench/harness/clock.js';

const entriesKept = 200;
const entriesTold = 4;

export class Journal {
  readonly #begun: number = machineTime();
  readonly #entries: { readonly at: number; readonly what: string }[] = [];

  note(what: string): void {
    this.#entries.push({ at: machineTime(), what });
    if (this.#entries.length > entriesKept) this.#entries.shift();
  }

  /** `at 12.3 s; 40 ms before: CRL renamed into place; …`: the last changes before a time, newest first. */
  around(at: number): string {
    const told = this.#entries
      .filter((entry) => entry.at <= at)
      .slice(-entriesTold)
      .reverse()
      .map((entry) => `${Math.round(at - entry.at)} ms before: ${entry.what}`);
    return [`at ${((at - this.#begun) / 1000).toFixed(1)} s`, ...told].join('; ');
  }
}
