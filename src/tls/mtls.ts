/**
 * The handle of a protected server: its gate, its reloader, and what it tells of
 * them. There is one way into force, `#commit`, whoever asked for it.
 *
 * @module
 */
import type { SecureContextOptions, Server } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Settings } from '../options.js';
import { refuseRollback } from '../revocation/crl-set.js';
import { freshUntil } from '../revocation/verified-crl.js';
import { describeCrls, type RevocationEntryState } from '../revocation/revocation-state.js';
import { CrlExpiryWatch } from './crl-expiry-watch.js';
import { type MtlsEvents, type ReloadReport, Reporter, type TypedEventEmitter } from './events.js';
import { Gate } from './gate.js';
import { isConfigured, loadMaterial, type Material } from './material.js';
import { isSameContext, secureContextOptions } from './secure-context.js';
import { SourceWatch } from './source-watch.js';
import { createTrust, type Trust } from './trust.js';

/** The CRLs in force. */
export interface RevocationState {
  readonly crls: readonly RevocationEntryState[];
  /** The CAs of which no CRL is loaded, though some are: by default whatever those CAs issued is refused. */
  readonly uncovered: readonly string[];
  /** Whether every CRL is in date. For a readiness probe. `true` where no CRL was configured. */
  readonly healthy: boolean;
}

/** One open connection that was let in. */
export interface ConnectionState {
  readonly identity: ClientIdentity;
  readonly remoteAddress: string;
  readonly since: Date;
}

/** The handle of a protected server. */
export interface Mtls extends AsyncDisposable, TypedEventEmitter<MtlsEvents> {
  /** The CRLs in force now. */
  readonly revocation: RevocationState;
  /** The open connections of clients with a certificate. */
  readonly connections: Iterable<ConnectionState>;
  /**
   * Reads every source again and puts it into force, all or nothing. Calls that overlap share one reading.
   * @throws MtlsError what is wrong; what was in force stays. The `'reload-failed'` event says the same.
   */
  reload(): Promise<ReloadReport>;
  /** Stops watching the files. The gate goes on judging by what is in force. */
  close(): Promise<void>;
}

const retryMs = 1000;

/** Guards a server and keeps what it is guarded by up to date. */
export class MtlsHandle implements Mtls {
  readonly #settings: Settings;
  readonly #server: Server;
  readonly #reporter: Reporter;
  readonly #gate: Gate;
  readonly #expiry: CrlExpiryWatch;
  readonly #abort = new AbortController();
  #context: SecureContextOptions | undefined;
  #watch: SourceWatch | undefined;
  #running: Promise<ReloadReport> | undefined;
  #waiting: Promise<ReloadReport> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lastFault: string | undefined;

  /** The gate stands from here on, and lets nobody in before {@link MtlsHandle.open}. */
  constructor(server: Server, settings: Settings) {
    this.#settings = settings;
    this.#server = server;
    this.#reporter = new Reporter(settings.logger);
    this.#gate = new Gate(settings, this.#reporter);
    this.#expiry = new CrlExpiryWatch(settings.now, this.#reporter);
    this.#gate.guard(server);
    server.once('close', () => void this.close());
    server.on('listening', () => {
      this.#onListening();
    });
  }

  /** Puts the first material into force and starts watching. */
  async open(material: Material, context: SecureContextOptions): Promise<void> {
    this.#commit(material, context);
    const { pollMs } = this.#settings;
    if (pollMs === undefined) return;
    this.#watch = new SourceWatch(this.#settings, pollMs, () => {
      this.#reloadQuietly();
    });
    await this.#watch.start();
    // A file may have changed between its first reading and the watch.
    this.#reloadQuietly();
  }

  /** The CRLs in force now. */
  get revocation(): RevocationState {
    const checker = this.#gate.trust?.material.revocation;
    const now = this.#settings.now();
    return Object.freeze({
      crls: describeCrls(checker?.crls ?? []),
      uncovered: Object.freeze((checker?.uncoveredCas() ?? []).map(({ subject }) => subject.toString())),
      healthy:
        checker?.crls.every(({ crl }) => freshUntil(crl, { ...checker.policy, stale: 'deny' }) > now) ?? true,
    });
  }

  /** The open connections of clients with a certificate. */
  get connections(): Iterable<ConnectionState> {
    return [...this.#gate.connections].flatMap(({ identity, remoteAddress, since }) =>
      identity === undefined ? [] : [{ identity, remoteAddress, since }],
    );
  }

  /** Reads every source again and puts it into force. */
  async reload(): Promise<ReloadReport> {
    // One that runs may have read the files before they changed: whoever asks meanwhile gets the next one.
    this.#waiting ??= (this.#running ?? Promise.resolve()).then(
      () => this.#startReload(),
      () => this.#startReload(),
    );
    return await this.#waiting;
  }

  #startReload(): Promise<ReloadReport> {
    this.#waiting = undefined;
    this.#running = this.#reload();
    return this.#running;
  }

  async #reload(): Promise<ReloadReport> {
    const started = performance.now();
    const inForce = this.#trust().material;
    try {
      const { material, diff } = await loadMaterial(this.#settings, this.#abort.signal, inForce);
      if (material === inForce)
        return this.#report(started, { changed: false, added: 0, removed: 0, evicted: 0 });
      const before = inForce.revocation?.crls ?? [];
      const after = material.revocation?.crls ?? [];
      refuseRollback(before, after, (ca) => isConfigured(ca, material.store));
      const context = secureContextOptions(this.#settings, material, { judge: 'gate' });
      this.#commit(material, context);
      const evicted = await this.#gate.judgeAll();
      return this.#report(started, { changed: true, ...diff, evicted });
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Everything is built: swap the secure context, then what clients are judged by. */
  #commit(material: Material, context: SecureContextOptions): void {
    // A large CRL is in the index alone: then there is nothing to swap, and node:tls need not build a context.
    if (!isSameContext(context, this.#context)) this.#server.setSecureContext(context);
    this.#context = context;
    this.#gate.enforce(createTrust(material, (this.#gate.trust?.generation ?? 0) + 1));
    this.#expiry.watch(material.revocation);
  }

  #report(started: number, outcome: Omit<ReloadReport, 'durationMs'>): ReloadReport {
    const report = Object.freeze({
      ...outcome,
      durationMs: Math.round((performance.now() - started) * 10) / 10,
    });
    this.#lastFault = undefined;
    if (!report.changed) return report;
    const { added, removed, evicted, durationMs } = report;
    this.#reporter.log(
      'info',
      { event: 'reloaded', ...report },
      `reloaded: ${added} newly revoked, ${removed} no longer listed, ${evicted} connections closed, ${durationMs} ms`,
    );
    this.#reporter.emit('reloaded', report);
    return report;
  }

  #fail(cause: unknown): MtlsError {
    const error =
      cause instanceof MtlsError
        ? cause
        : new MtlsError(
            'ERR_MTLS_OPTION_INVALID',
            `the reload failed: ${String(cause)}; what was in force stays`,
            { cause },
          );
    // A watched file that stays broken is tried again and again, and told of once.
    if (this.#lastFault === error.message) return error;
    this.#lastFault = error.message;
    const { code, message } = error;
    this.#reporter.log(
      'error',
      { event: 'reload-failed', code, detail: message },
      `reload failed (${code}); what was in force stays`,
    );
    this.#reporter.emit('reload-failed', { error });
    return error;
  }

  /** For the watch: the fault has been reported, and what may mend itself is tried again. */
  #reloadQuietly(): void {
    clearTimeout(this.#retry);
    this.reload().catch(() => {
      if (this.#abort.signal.aborted) return;
      this.#retry = setTimeout(() => {
        this.#reloadQuietly();
      }, retryMs);
      this.#retry.unref();
    });
  }

  #onListening(): void {
    const { material } = this.#trust();
    // Once more, because a cluster's worker inherits ticket keys that are as old as the cluster.
    this.#server.setSecureContext(secureContextOptions(this.#settings, material, { judge: 'gate' }));
    const { crls, uncovered } = this.revocation;
    const cas = material.store.certificates.map(({ subject }) => subject.toString());
    const lists = crls.map(({ issuer, number, nextUpdate, entries, source }) => ({
      issuer,
      number,
      nextUpdate,
      entries,
      source,
    }));
    const { clients } = this.#settings;
    this.#reporter.log(
      'info',
      { event: 'listening', address: this.#server.address(), clients, cas, crls: lists },
      `listening: clients of ${cas.join(' and ')}`,
    );
    if (crls.length === 0)
      this.#reporter.log('warn', { event: 'no-crl' }, 'no CRL is configured: no certificate is ever revoked');
    else if (uncovered.length > 0) {
      const { unknown } = this.#settings.revocation;
      const consequence =
        unknown === 'deny' ? 'their clients are refused' : 'their clients are never revoked';
      this.#reporter.log(
        'warn',
        { event: 'uncovered-cas', uncovered },
        `no CRL of ${uncovered.join(' and ')} is loaded: ${consequence}`,
      );
    }
  }

  #trust(): Trust {
    const { trust } = this.#gate;
    if (trust === undefined)
      throw new MtlsError(
        'ERR_MTLS_OPTION_INVALID',
        'the server is not protected yet; await protect() before it listens',
      );
    return trust;
  }

  /** Calls `listener` at each event of that name. */
  on<Name extends keyof MtlsEvents>(name: Name, listener: (...args: MtlsEvents[Name]) => void): this {
    this.#reporter.emitter.on(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Calls `listener` at the next event of that name. */
  once<Name extends keyof MtlsEvents>(name: Name, listener: (...args: MtlsEvents[Name]) => void): this {
    this.#reporter.emitter.once(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Calls `listener` no more. */
  off<Name extends keyof MtlsEvents>(name: Name, listener: (...args: MtlsEvents[Name]) => void): this {
    this.#reporter.emitter.off(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Stops watching. */
  async close(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#retry);
    this.#watch?.close();
    this.#expiry.close();
    await this.#running?.catch(() => undefined);
  }

  /** `await using mtls = …` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
