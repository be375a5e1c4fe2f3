/**
 * The reloader: reads the sources, checks all of them, and only then commits.
 * There is one way into force, whoever asked for it; any fault leaves what was in
 * force in force, and is told.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { tryHandshakes } from '../material/handshake-trial.js';
import { type LoadedMaterials, loadMaterials, type Material, type Materials } from '../material/material.js';
import { type BuiltContext, secureContextOf } from '../material/secure-context.js';
import { SourceWatch } from '../material/source-watch.js';
import { type Kept, type ReloadReport } from './events.js';
import { type Reporter } from './reporter.js';
import { type Prepared, type State } from './in-force.js';
import { type Settings } from './options.js';
import { SignalWatch } from './signal-watch.js';

/** Puts prepared material into force; resolves to how many connections that ended. */
export type Commit = (prepared: Prepared) => Promise<number>;

const firstRetryMs = 1000;
const lastRetryMs = 60_000;

// Whoever renews a certificate writes two files, and may have to wait for one of them.
const pairPatienceMs = 10_000;

interface Outcome {
  readonly report: ReloadReport;
  /** A new key waits for its certificate, or the other way round: the pair in force stayed, and all else was reloaded. */
  readonly waiting: MtlsError | undefined;
}

/** Keeps what is in force up to date with the sources. */
export class Reloader {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #state: State;
  readonly #commit: Commit;
  readonly #watch: SourceWatch;
  readonly #signals: SignalWatch | undefined;
  #abort = new AbortController();
  #running: Promise<Outcome> | undefined;
  #waiting: Promise<Outcome> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #pairPatience: NodeJS.Timeout | undefined;
  #fault: MtlsError | undefined;

  constructor(settings: Settings, reporter: Reporter, state: State, commit: Commit) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#state = state;
    this.#commit = commit;
    this.#watch = new SourceWatch(settings);
    this.#signals = settings.signals ? new SignalWatch(reporter) : undefined;
  }

  /** The fault that was told last, and that no reload has mended since. */
  get fault(): MtlsError | undefined {
    return this.#fault;
  }

  /**
   * Reads the sources for the first time. What they hold is in force once the caller has committed it.
   * @throws MtlsError whatever is wrong with them.
   */
  async load(): Promise<Prepared> {
    await this.#watch.remember();
    const { materials } = await this.#read(undefined);
    return await this.#prepare(materials);
  }

  async #read(before: Materials | undefined): Promise<LoadedMaterials> {
    return await loadMaterials(this.#settings, { enforcer: 'gate', signal: this.#abort.signal }, before);
  }

  /** Reloads whenever a source changes from what {@link Reloader.load} saw, and at SIGHUP where that was asked for. */
  begin(): void {
    this.#watch.begin(() => {
      this.#reloadQuietly(firstRetryMs);
    });
    this.#signals?.begin(() => this.reload());
  }

  /** Reads the sources again. Calls that overlap share one reading, and it begins after the last of them. */
  async reload(): Promise<ReloadReport> {
    const { report, waiting } = await this.#reloadOnce();
    if (waiting !== undefined) throw this.#tell(waiting, 'pair');
    return report;
  }

  async #reloadOnce(): Promise<Outcome> {
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
    this.#waitForPair(undefined);
    this.#watch.close();
    this.#signals?.close();
    // One that waits for the one that runs ends with it, for its sources may not be read any more.
    await this.#waiting?.catch(() => undefined);
    await this.#running?.catch(() => undefined);
  }

  #start(): Promise<Outcome> {
    this.#waiting = undefined;
    this.#running = this.#reload();
    return this.#running;
  }

  async #reload(): Promise<Outcome> {
    const started = performance.now();
    const { signal } = this.#abort;
    try {
      const before = this.#state.inForce?.materials;
      if (before === undefined)
        throw new MtlsError('ERR_MTLS_STATE_INVALID', {
          seen: 'the sources have not been read yet',
          remedy: 'await protect() first',
        });
      const { materials, diff, waiting } = await this.#read(before);
      if (waiting === undefined) this.#waitForPair(undefined);
      if (materials === before) {
        const report = this.#succeed(started, { changed: false, added: 0, removed: 0, evicted: 0 }, waiting);
        return { report, waiting };
      }
      // Reading ends in some work of its own, preparing builds a secure context, and so may the commit: requests get
      // their turn in between.
      await new Promise(setImmediate);
      const prepared = await this.#prepare(materials);
      await new Promise(setImmediate);
      const evicted = await this.#commit(prepared);
      return { report: this.#succeed(started, { changed: true, ...diff, evicted }, waiting), waiting };
    } catch (error) {
      const fault = asMtlsError(error);
      // Whoever closes the server is not told that it did not go on.
      throw signal.aborted ? fault : this.#tell(fault, 'everything');
    }
  }

  async #prepare(materials: Materials): Promise<Prepared> {
    const contextOf = (material: Material, inForce: BuiltContext | undefined): BuiltContext =>
      secureContextOf(this.#settings, material, { enforcer: 'gate', inForce });
    const before = this.#state.inForce?.contexts;
    const named = [...materials.named].map(
      ([name, material]) => [name, contextOf(material, before?.named.get(name))] as const,
    );
    const contexts = { main: contextOf(materials.main, before?.main), named: new Map(named) };
    await tryHandshakes(this.#reporter, contexts, before);
    return { materials, contexts };
  }

  #succeed(
    started: number,
    outcome: Omit<ReloadReport, 'durationMs'>,
    waiting: MtlsError | undefined,
  ): ReloadReport {
    const report = Object.freeze({
      ...outcome,
      durationMs: Math.round((performance.now() - started) * 10) / 10,
    });
    // A pair that still waits has been told of, or will be.
    if (waiting === undefined || !this.#wasTold(waiting)) this.#fault = undefined;
    if (!report.changed) return report;
    this.#reporter.emit('reloaded', report);
    return report;
  }

  #tell(error: MtlsError, kept: Kept): MtlsError {
    // A source that stays broken is tried again and again, and told of once.
    if (this.#wasTold(error)) return error;
    this.#fault = error;
    this.#reporter.emit('reload-failed', { error, kept });
    return error;
  }

  #wasTold(error: MtlsError): boolean {
    return this.#fault !== undefined && faultOf(this.#fault) === faultOf(error);
  }

  /** For the watch: the fault has been told; what may mend itself without a change is tried again, ever more seldom. */
  #reloadQuietly(retryMs: number): void {
    clearTimeout(this.#retry);
    this.#reloadOnce().then(
      ({ waiting }) => {
        this.#waitForPair(waiting);
      },
      () => {
        if (this.#abort.signal.aborted) return;
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => {
          this.#reloadQuietly(Math.min(retryMs * 2, lastRetryMs));
        }, retryMs);
        this.#retry.unref();
      },
    );
  }

  /** For the watch: its other half is expected any moment. `undefined`: it has come. */
  #waitForPair(waiting: MtlsError | undefined): void {
    if (waiting === undefined) {
      clearTimeout(this.#pairPatience);
      this.#pairPatience = undefined;
      return;
    }
    if (this.#abort.signal.aborted) return;
    this.#pairPatience ??= setTimeout(() => this.#tell(waiting, 'pair'), pairPatienceMs).unref();
  }
}

/** What a fault is known by from one reading to the next. */
function faultOf({ code, source, seen, errors }: MtlsError): string {
  return errors === undefined ? `${code} ${source ?? ''} ${seen}` : errors.map(faultOf).join('\n');
}

function asMtlsError(cause: unknown): MtlsError {
  if (cause instanceof MtlsError) return cause;
  return new MtlsError('ERR_MTLS_INTERNAL', { seen: `the reload failed: ${String(cause)}` }, { cause });
}
