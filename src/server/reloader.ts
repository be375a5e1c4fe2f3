/**
 * The reloader: reads the sources and commits what can be used. Changes that narrow trust are committed in the turn
 * of the event loop that read them. Changes that widen trust or replace the server certificate are tried in a
 * handshake first.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { tryHandshakes } from '../material/handshake-trial.js';
import {
  type MaterialChange,
  MaterialReader,
  type MaterialReading,
  type Materials,
} from '../material/material.js';
import { type TrustOwner } from '../material/loader-hooks.js';
import { faultOf, type SourceFault } from '../material/source-fault.js';
import { SourceWatch } from '../material/source-watch.js';
import { type ReloadReport } from './events.js';
import { contextsOf, type Prepared, type State } from './in-force.js';
import { type Settings } from './settings.js';
import { type Reporter } from './reporter.js';
import { Alarm } from './alarm.js';
import { asMtlsError, throwIfAborted } from './reload-errors.js';
import { changesBetween, noChanges, nothing, sumOf } from './reload-changes.js';
import { SignalWatch } from './signal-watch.js';
import { StandingFaults } from './standing-faults.js';
import { buildContext, rebuildContext, Trials } from './trials.js';

/** Commits prepared material at once; resolves to the number of evicted connections. */
export type Commit = (prepared: Prepared) => Promise<number>;

const firstRetryMs = 1000;
const lastRetryMs = 60_000;

/** Keeps what is in force up to date with the sources. */
export class Reloader {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #state: State;
  readonly #commit: Commit;
  readonly #reader: MaterialReader;
  readonly #faults: StandingFaults;
  readonly #watch: SourceWatch;
  readonly #signals: SignalWatch | undefined;
  readonly #trials: Trials;
  #abort = new AbortController();
  readonly #rounds = new Set<Promise<ReloadReport>>();
  #running: Promise<ReloadReport> | undefined;
  #waiting: Promise<ReloadReport> | undefined;
  readonly #retry = new Alarm();
  readonly #pairAlarm = new Alarm();
  /** Whether a round of the watch is in progress. */
  #isWatching = false;
  /** The faults of the last reading. */
  #readFaults: readonly SourceFault[] = [];

  constructor(settings: Settings, reporter: Reporter, state: State, commit: Commit) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#state = state;
    this.#commit = commit;
    this.#reader = new MaterialReader(settings, 'gate');
    this.#reader.hooks.onFault(() => {
      if (!this.#abort.signal.aborted) this.#standFaults(true);
    });
    this.#trials = new Trials(settings, reporter);
    this.#watch = new SourceWatch(settings, reporter);
    this.#faults = new StandingFaults(reporter, settings.now, this.#watch);
    this.#signals = settings.signals ? new SignalWatch(reporter, settings.logger !== undefined) : undefined;
  }

  /** The standing faults of the sources. */
  get faults(): StandingFaults {
    return this.#faults;
  }

  /**
   * Reads the sources for the first time. The caller commits the result.
   * @throws MtlsError every fault of the sources.
   */
  async load(): Promise<Prepared> {
    await this.#watch.remember();
    const materials = await this.#reader.readAll(this.#abort.signal);
    const contexts = contextsOf(materials, undefined, (material) =>
      buildContext(this.#settings, material, undefined),
    );
    await tryHandshakes(this.#reporter, contexts);
    return { materials, contexts };
  }

  /** Tells loaders what is in force. */
  tell(): void {
    const { inForce } = this.#state;
    if (inForce !== undefined && !this.#abort.signal.aborted) this.#reader.hooks.tell(inForce.materials);
  }

  /** Tells loaders which distribution points clients name. */
  want(uris: readonly string[], owner: TrustOwner): void {
    this.#reader.hooks.want(uris, owner);
  }

  /** Reloads when a source differs from what {@link Reloader.load} read, and at SIGHUP with `signals: true`. */
  begin(): void {
    this.#watch.begin(() => {
      this.#reloadQuietly(firstRetryMs);
    });
    this.#signals?.begin(() => this.reload());
  }

  /** Reports the errors that loaders reported at the start. They stand until the loaders are called again. */
  reportStart(): void {
    this.#standFaults(true);
    if (this.#faults.error !== undefined) this.#retryIn(firstRetryMs);
  }

  /** Checks the files at once if the event loop is too busy to poll. Called before a client is judged. */
  catchUp(): void {
    this.#watch.lookIfLate();
  }

  /**
   * Reads the sources again and commits what can be used. Overlapping calls share one round, which begins after the
   * last of them.
   * @throws MtlsError every fault, after what can be used is in force.
   */
  async reload(): Promise<ReloadReport> {
    // A running round may be waiting for a slow loader. What can be read now does not wait for it.
    if (this.#rounds.size > 0) await this.#pass(true);
    // It may have read the files before they changed, so calls made meanwhile get the next round.
    this.#waiting ??= (this.#running ?? Promise.resolve()).then(
      () => this.#start(),
      () => this.#start(),
    );
    return await this.#waiting;
  }

  /** Watches again after {@link Reloader.close}, and checks at once for changes made meanwhile. */
  resume(): void {
    this.#abort = new AbortController();
    this.#isWatching = false;
    this.begin();
    this.#reloadQuietly(firstRetryMs);
  }

  /** Stops watching, and waits for a running reload. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#retry.clear();
    this.#pairAlarm.clear();
    this.#watch.close();
    this.#signals?.close();
    await this.#waiting?.catch(() => undefined);
    await this.#running?.catch(() => undefined);
    await Promise.allSettled([...this.#rounds]);
  }

  #start(): Promise<ReloadReport> {
    this.#waiting = undefined;
    this.#running = this.#round(false).then((report) => {
      const { error } = this.#faults;
      if (error !== undefined) throw error;
      return report;
    });
    return this.#running;
  }

  /** Reads every source: at once if it can be read now, otherwise when it has settled. */
  async #round(mayWait: boolean): Promise<ReloadReport> {
    const round = this.#readEach(mayWait);
    this.#rounds.add(round);
    try {
      return await round;
    } catch (error) {
      throw asMtlsError(error);
    } finally {
      this.#rounds.delete(round);
    }
  }

  async #readEach(mayWait: boolean): Promise<ReloadReport> {
    const { signal } = this.#abort;
    const started = performance.now();
    this.#reader.refresh(signal);
    let report = await this.#pass(mayWait, started);
    while (this.#reader.pending.length > 0) {
      const hasSettled = await this.#reader.settled();
      throwIfAborted(signal);
      if (hasSettled) report = sumOf(report, await this.#pass(mayWait, started));
    }
    return report;
  }

  /** Reads once, in a round since `started`. A revocation comes into force before the first `await`, in one turn. */
  async #pass(mayWait: boolean, started = performance.now()): Promise<ReloadReport> {
    const evictions: Promise<ReloadReport>[] = [];
    const inForce = (): Materials | undefined => this.#state.inForce?.materials;
    let reading = this.#read();
    if (reading.narrowed !== undefined && reading.narrowed.materials !== inForce()) {
      evictions.push(this.#put(reading.narrowed));
      // Compare the rest with what has just come into force.
      if (reading.whole?.materials !== inForce()) reading = this.#read();
    }
    while (reading.whole !== undefined && reading.whole.materials !== inForce()) {
      const untried = this.#trials.missingFor(reading.whole.materials, inForce());
      if (untried.length === 0) evictions.push(this.#put(reading.whole));
      const { signal } = this.#abort;
      for (const trial of untried) {
        await this.#trials.try(trial, this.#reader);
        throwIfAborted(signal);
      }
      // The sources may have changed during the trials.
      reading = this.#read();
    }
    this.#readFaults = reading.faults;
    this.#standFaults(mayWait);
    const change = (await Promise.all(evictions)).reduce(sumOf, nothing);
    this.tell();
    const durationMs = Math.round((performance.now() - started) * 10) / 10;
    const report = Object.freeze({ ...change, durationMs });
    if (report.changed) this.#reporter.emit('reloaded', report);
    return report;
  }

  #read(): MaterialReading {
    const { inForce } = this.#state;
    if (inForce === undefined)
      throw new MtlsError('ERR_MTLS_STATE_INVALID', {
        seen: 'the sources have not been read yet',
        remedy: 'await protect() first',
      });
    return this.#reader.read(inForce.materials, this.#abort.signal);
  }

  /** Commits a change at once. */
  async #put({ materials, diff }: MaterialChange): Promise<ReloadReport> {
    const contexts = contextsOf(materials, this.#state.inForce?.contexts, (material, before) =>
      rebuildContext(this.#settings, material, before),
    );
    const before = this.#state.inForce?.materials;
    const evicted = this.#commit({ materials, contexts });
    this.#reader.settle(materials);
    const at = new Date(this.#settings.now());
    const changes = before === undefined ? noChanges : changesBetween(before, materials, at);
    const report = { changed: true, ...diff, evicted: await evicted, durationMs: 0, ...changes };
    // After the evictions, which loaders must not delay.
    this.tell();
    return report;
  }

  #standFaults(mayWait: boolean): void {
    const dueIn = this.#faults.replace([...this.#readFaults, ...this.#reader.hooks.faults], mayWait);
    if (dueIn === undefined) return;
    this.#pairAlarm.set(() => {
      this.#reloadQuietly(firstRetryMs);
    }, dueIn + 1);
  }

  /** Reloads for the watch. Faults have been reported already; their sources are tried again, ever less often. */
  #reloadQuietly(retryMs: number): void {
    this.#retry.clear();
    const { signal } = this.#abort;
    if (signal.aborted) return;
    this.#readForWatch(signal).then(
      () => {
        if (this.#faults.error !== undefined) this.#retryIn(retryMs);
      },
      (error: unknown) => {
        if (signal.aborted) return;
        // A defect of this package: what is in force stays, and so do the faults.
        this.#readFaults = [...this.#readFaults, faultOf('express-mtls', asMtlsError(error))];
        this.#standFaults(true);
        this.#retryIn(retryMs);
      },
    );
  }

  /** One round waits for slow sources. If calls came faster than a source settles, a round for each would add up. */
  async #readForWatch(signal: AbortSignal): Promise<void> {
    if (this.#isWatching) {
      this.#reader.refresh(signal);
      await this.#pass(true);
      return;
    }
    this.#isWatching = true;
    await this.#round(true).finally(() => {
      this.#isWatching = false;
    });
  }

  #retryIn(ms: number): void {
    if (this.#abort.signal.aborted) return;
    this.#retry.set(() => {
      this.#reloadQuietly(Math.min(ms * 2, lastRetryMs));
    }, ms);
  }
}
