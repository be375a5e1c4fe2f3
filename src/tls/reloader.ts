/**
 * The reloader: reads the sources, checks all of them, and only then commits.
 * There is one way into force, whoever asked for it; any fault leaves what was in
 * force in force, and is told.
 *
 * @module
 */
import type { SecureContextOptions } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type Settings } from '../options.js';
import { refuseRollback } from '../revocation/crl-set.js';
import { type ReloadReport, type Reporter } from './events.js';
import { isConfigured, loadMaterial, type LoadOptions, type Material } from './material.js';
import { secureContextOptions } from './secure-context.js';
import { SourceWatch } from './source-watch.js';

/** Material that was checked, and the secure context it makes. */
export interface Prepared {
  readonly material: Material;
  readonly context: SecureContextOptions;
}

/** Puts prepared material into force; resolves to how many connections that ended. */
export type Commit = (prepared: Prepared) => Promise<number>;

const firstRetryMs = 1000;
const lastRetryMs = 60_000;

// What differs between two messages about the same fault.
const momentOfReading = /, now [-0-9T:.]+Z/g;

/** Keeps what is in force up to date with the sources. */
export class Reloader {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #commit: Commit;
  readonly #watch: SourceWatch;
  #abort = new AbortController();
  #inForce: Prepared | undefined;
  #running: Promise<ReloadReport> | undefined;
  #waiting: Promise<ReloadReport> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lastFault: string | undefined;

  constructor(settings: Settings, reporter: Reporter, commit: Commit) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#commit = commit;
    this.#watch = new SourceWatch(settings);
  }

  /**
   * Reads the sources for the first time. What they hold is in force once the caller has committed it.
   * @throws MtlsError whatever is wrong with them.
   */
  async load(): Promise<Prepared> {
    await this.#watch.remember();
    const { material } = await loadMaterial(this.#settings, this.#loading());
    this.#inForce = this.#prepare(material);
    return this.#inForce;
  }

  #loading(): LoadOptions {
    return { judge: 'gate', signal: this.#abort.signal };
  }

  /** Reloads whenever a source changes from what {@link Reloader.load} saw. */
  begin(): void {
    this.#watch.begin(() => {
      this.#reloadQuietly(firstRetryMs);
    });
  }

  /** Reads the sources again. Calls that overlap share one reading, and it begins after the last of them. */
  async reload(): Promise<ReloadReport> {
    // One that runs may have read the files before they changed: whoever asks meanwhile gets the next one.
    this.#waiting ??= (this.#running ?? Promise.resolve()).then(
      () => this.#start(),
      () => this.#start(),
    );
    return await this.#waiting;
  }

  /** Watches again after {@link Reloader.close}, and looks at once for what has changed meanwhile. */
  resume(): void {
    this.#abort = new AbortController();
    this.begin();
    this.#reloadQuietly(firstRetryMs);
  }

  /** Stops watching, and waits for a reload that is under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#retry);
    this.#watch.close();
    await this.#running?.catch(() => undefined);
  }

  #start(): Promise<ReloadReport> {
    this.#waiting = undefined;
    this.#running = this.#reload();
    return this.#running;
  }

  async #reload(): Promise<ReloadReport> {
    const started = performance.now();
    try {
      const before = this.#inForce?.material;
      if (before === undefined)
        throw new MtlsError(
          'ERR_MTLS_OPTION_INVALID',
          'the sources have not been read yet; await protect() first',
        );
      const { material, diff } = await loadMaterial(this.#settings, this.#loading(), before);
      if (material === before)
        return this.#succeed(started, { changed: false, added: 0, removed: 0, evicted: 0 });
      refuseRollback(before.revocation?.crls ?? [], {
        crls: material.revocation?.crls ?? [],
        removed: diff.removed,
        isConfigured: (ca) => isConfigured(ca, material.store),
      });
      const prepared = this.#prepare(material);
      // Preparing builds a secure context, and so may the commit: requests get their turn in between.
      await new Promise(setImmediate);
      const evicted = await this.#commit(prepared);
      this.#inForce = prepared;
      return this.#succeed(started, { changed: true, ...diff, evicted });
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #prepare(material: Material): Prepared {
    const inForce = this.#inForce?.context;
    const context = secureContextOptions(this.#settings, material, { judge: 'gate', inForce });
    return { material, context };
  }

  #succeed(started: number, outcome: Omit<ReloadReport, 'durationMs'>): ReloadReport {
    const report = Object.freeze({
      ...outcome,
      durationMs: Math.round((performance.now() - started) * 10) / 10,
    });
    this.#lastFault = undefined;
    if (!report.changed) return report;
    const { added, removed, evicted, durationMs } = report;
    const message = `reloaded: ${added} newly revoked, ${removed} no longer listed, ${evicted} connections closed, ${durationMs} ms`;
    this.#reporter.log('info', { event: 'reloaded', ...report }, message);
    this.#reporter.emit('reloaded', report);
    return report;
  }

  #fail(cause: unknown): MtlsError {
    const error =
      cause instanceof MtlsError
        ? cause
        : new MtlsError('ERR_MTLS_OPTION_INVALID', `the reload failed: ${String(cause)}`, { cause });
    // A source that stays broken is tried again and again, and told of once.
    const fault = `${error.code} ${error.message.replaceAll(momentOfReading, '')}`;
    if (this.#lastFault === fault) return error;
    this.#lastFault = fault;
    const { code, message } = error;
    const line = `reload failed (${code}); what was in force stays`;
    this.#reporter.log('error', { event: 'reload-failed', code, detail: message }, line);
    this.#reporter.emit('reload-failed', { error });
    return error;
  }

  /** For the watch: the fault has been told; what may mend itself without a change is tried again, ever more seldom. */
  #reloadQuietly(retryMs: number): void {
    clearTimeout(this.#retry);
    this.reload().catch(() => {
      if (this.#abort.signal.aborted) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => {
        this.#reloadQuietly(Math.min(retryMs * 2, lastRetryMs));
      }, retryMs);
      this.#retry.unref();
    });
  }
}
