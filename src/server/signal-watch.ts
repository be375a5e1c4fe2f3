/**
 * Reloads at SIGHUP, as servers have done for decades.
 *
 * @module
 */
import { type ReloadReport, type Reporter } from './events.js';

/** Listens until it is closed. Keeps no process alive. */
export class SignalWatch {
  readonly #reporter: Reporter;
  #listener: (() => void) | undefined;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  /** Calls `reload` at each SIGHUP. Whoever sent it sees in the log that it came, and what came of it. */
  begin(reload: () => Promise<ReloadReport>): void {
    this.close();
    this.#listener = () => {
      this.#reporter.log('info', { event: 'signal', signal: 'SIGHUP' }, 'SIGHUP: reading the sources again');
      reload().then(
        ({ changed }) => {
          if (changed) return;
          this.#reporter.log('info', { event: 'unchanged' }, 'reloaded: nothing has changed');
        },
        // The reloader has told of it.
        () => undefined,
      );
    };
    process.on('SIGHUP', this.#listener);
  }

  /** Stops. */
  close(): void {
    if (this.#listener !== undefined) process.off('SIGHUP', this.#listener);
    this.#listener = undefined;
  }
}
