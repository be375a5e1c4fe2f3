/**
 * Reloads at SIGHUP, as servers have done for decades.
 *
 * @module
 */
import { isMainThread } from 'node:worker_threads';
import { noSignals } from './event-log.js';
import { type ReloadReport } from './events.js';
import { type Reporter } from './reporter.js';

/** Listens until it is closed. Keeps no process alive. */
export class SignalWatch {
  readonly #reporter: Reporter;
  readonly #isLogged: boolean;
  #listener: (() => void) | undefined;

  /** @param isLogged - Whether anything is logged: what goes wrong is a warning of the process otherwise. */
  constructor(reporter: Reporter, isLogged: boolean) {
    this.#reporter = reporter;
    this.#isLogged = isLogged;
  }

  /** Calls `reload` at each SIGHUP. Whoever sent it sees in the log that it came, and what came of it. */
  begin(reload: () => Promise<ReloadReport>): void {
    this.close();
    if (!isMainThread) {
      this.#reporter.emit('no-signals', {});
      if (!this.#isLogged) process.emitWarning(noSignals, { type: 'MtlsWarning', code: 'MTLS_NO_SIGNALS' });
      return;
    }
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
