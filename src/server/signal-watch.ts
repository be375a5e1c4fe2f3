/**
 * Reloads at SIGHUP, as servers have done for decades.
 *
 * @module
 */
import { type ReloadReport } from './events.js';
import { type Reporter } from './reporter.js';

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
      this.#reporter.emit('signal', { signal: 'SIGHUP' });
      reload().then(
        ({ changed }) => {
          if (changed) return;
          this.#reporter.emit('unchanged', {});
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
