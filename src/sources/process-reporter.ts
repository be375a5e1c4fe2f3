/**
 * Reports to a store which CRLs this process has in force.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type CrlInForce } from '../material/source-options.js';
import { type CrlStore, longestReport } from './crl-store.js';
import { formatReport, type ProcessReport, startedAt } from './process-report.js';
import { within } from '../within.js';

const timeoutMs = 10_000;

/** Keeps the report of one process current. */
export class ProcessReporter {
  readonly #store: CrlStore;
  readonly #keepMs: number;
  readonly #id = randomUUID();
  #next: Pick<ProcessReport, 'versions' | 'crls'> | undefined;
  #running = false;
  #isOn = false;
  #failures = 0;

  /** @param keepMs - How long a report is kept. The next one must come sooner. */
  constructor(store: CrlStore, keepMs: number) {
    this.#store = store;
    this.#keepMs = keepMs;
  }

  /** Reports from now on. */
  start(): void {
    this.#isOn = true;
    this.#send();
  }

  /** Stops. The last report expires. */
  stop(): void {
    this.#isOn = false;
  }

  /**
   * Reports what is in force. Of reports in quick succession, only the last is sent.
   * @param versions - The keys in the store, and the versions that are in force.
   */
  report(versions: readonly (readonly [string, string])[], crls: readonly CrlInForce[]): void {
    this.#next = { versions: new Map(versions), crls };
    this.#send();
  }

  #send(): void {
    const next = this.#next;
    if (!this.#isOn || this.#running || next === undefined) return;
    this.#next = undefined;
    this.#running = true;
    void this.#write(next).finally(() => {
      this.#running = false;
      this.#send();
    });
  }

  async #write(content: Pick<ProcessReport, 'versions' | 'crls'>): Promise<void> {
    const text = formatReport({ ...content, id: this.#id, startedAt, at: new Date() });
    try {
      if (text.length <= longestReport)
        await within(timeoutMs, (signal) => this.#store.report(this.#id, text, this.#keepMs, signal));
      this.#failures = 0;
    } catch (error) {
      // What is waiting was read before the failure. The next reading reports again.
      this.#next = undefined;
      this.#warn(error);
    }
  }

  /**
   * Reports are for information only, so a failure must not disturb the server. A report follows a reading that
   * succeeded, so two failures in a row are not an outage of the store.
   */
  #warn(error: unknown): void {
    this.#failures++;
    if (this.#failures !== 2) return;
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(
      `this process cannot report to the store which CRLs it has in force: ${why}. Allow it to write reports, or set report: false`,
      { type: 'MtlsWarning', code: 'MTLS_REPORT_FAILED' },
    );
  }
}
