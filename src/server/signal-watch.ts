/**
 * Reloads at SIGHUP.
 *
 * @module
 */
import { isMainThread } from 'node:worker_threads';
import { noSignals } from './event-log.js';
import { type ReloadReport } from './events.js';
import { type Reporter } from './reporter.js';

/** Listens until it is closed. Does not keep the process alive. */
export class SignalWatch {
  readonly #reporter: Reporter;
  readonly #isLogged: boolean;
  #listener: (() => void) | undefined;

  /** @param isLogged - Whether the server has a logger. Without one, problems become process warnings. */
  constructor(reporter: Reporter, isLogged: boolean) {
    this.#reporter = reporter;
    this.#isLogged = isLogged;
  }

  /** Calls `reload` at each SIGHUP. The log shows the signal and the outcome. */
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
        // The reloader has reported the error.
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
