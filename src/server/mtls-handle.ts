/**
 * The handle of a protected server: it owns the gate and the reloader, and reports their state.
 *
 * @module
 */
import type { Server as NetServer } from 'node:net';
import type { SecureContext, SecureContextOptions, Server } from 'node:tls';
import { inNextTurn, turn } from '../timers.js';
import { MtlsError } from '../errors.js';
import { Gate } from '../gate/gate.js';
import { type Explanation, explain } from '../judgement/explanation.js';
import { announce, announceCas, announceGaps } from './announcement.js';
import { type AuthorityState, describeAuthorities } from './authority-state.js';
import { ClockWatch } from './clock-watch.js';
import { CrlExpiryWatch } from './crl-expiry-watch.js';
import { type MtlsEvents, type ReloadReport, type StandingFault } from './events.js';
import { Reporter } from './reporter.js';
import { certificatesIn, type Explicable } from './explicable.js';
import { type Prepared, State } from './in-force.js';
import {
  type ConnectionState,
  type Mtls,
  type ProxyState,
  type RevocationState,
  type ServerCertificateState,
} from './mtls.js';
import { describeCertificate, describeProxies } from './proxy-state.js';
import { type Settings } from './settings.js';
import { Reloader } from './reloader.js';
import { describeRevocation, isReady, revocationsOf } from './revocation-health.js';
import { ServerContext } from './server-context.js';
import { refuseSessionStores } from './session-stores.js';

/**
 * The state of a handle. `'loading'`: it is not watching yet. `'resting'`: its server is closed, and may listen
 * again. `'closed'`: `close()` was called.
 */
type Life = 'loading' | 'serving' | 'resting' | 'closed';

/** Guards one server: {@link MtlsHandle.guard} and {@link MtlsHandle.load} in either order, then {@link MtlsHandle.begin}. */
export class MtlsHandle implements Mtls {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #state: State;
  readonly #gate: Gate;
  readonly #reloader: Reloader;
  readonly #expiry: CrlExpiryWatch;
  readonly #clock: ClockWatch;
  readonly #context: ServerContext;
  #life: Life = 'loading';

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#reporter = new Reporter(settings, this);
    this.#state = new State(settings.certificates);
    const state = this.#state;
    this.#gate = new Gate(settings, this.#reporter, {
      get judges() {
        return state.judges;
      },
      get proxySecrets() {
        return state.proxySecrets;
      },
      catchUp: () => {
        this.#reloader.catchUp();
      },
      want: (uris, owner) => {
        this.#reloader.want(uris, owner);
      },
    });
    this.#reloader = new Reloader(settings, this.#reporter, this.#state, (prepared) =>
      this.#commit(prepared),
    );
    this.#expiry = new CrlExpiryWatch(settings.now, this.#reporter);
    this.#clock = new ClockWatch(settings.now);
    this.#context = new ServerContext(settings);
  }

  /** Puts the gate on a server. It refuses every client until {@link MtlsHandle.load} is done. */
  guard(server: Server | NetServer): void {
    this.#gate.guard(server);
    if ('setSecureContext' in server) {
      this.#context.server = server;
      if (!this.#settings.resumption) refuseSessionStores(server);
    }
    server.on('close', () => void this.#rest());
    server.on('listening', () => {
      this.#onListening(server);
    });
  }

  /**
   * Reads the sources for the first time and commits them.
   * @returns The options of the secure context; `undefined` without TLS.
   * @throws MtlsError every fault of the sources.
   */
  async load(): Promise<SecureContextOptions | undefined> {
    try {
      const prepared = await this.#reloader.load();
      await this.#commit(prepared);
      this.#reloader.tell();
      return prepared.contexts.main?.options;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Begins to watch the sources. */
  begin(): void {
    this.#reloader.begin();
    // One turn later, so that the app can add listeners for the events about its sources first.
    inNextTurn(() => {
      if (this.#life !== 'loading') return;
      this.#life = 'serving';
      this.#reloader.reportStart();
      this.#watchDates();
    });
  }

  /**
   * Puts material into force and judges the open connections. A context that only lacks CRLs is swapped last: OpenSSL
   * then refuses by the old CRLs for a little longer, and the gate decides.
   */
  async #commit(prepared: Prepared): Promise<number> {
    const before = this.#state.inForce;
    const { main } = prepared.contexts;
    const mayWait = main !== undefined && main.onlyLacksCrls && !this.#context.has(main);
    if (!mayWait) this.#context.swap(main);
    // The contexts of the names are looked up at each handshake: this swaps them all.
    this.#state.commit(prepared);
    if (this.#life === 'serving') this.#watchExpiry();
    // Every request is judged by the new state from here on, so the open connections can wait a turn.
    await turn();
    const evicted = await this.#gate.judgeAll();
    if (mayWait) {
      // A swap takes milliseconds, and should not be in one turn with the rest.
      await turn();
      this.#context.swap(this.#state.inForce?.contexts.main);
    }
    // Logged only after the evictions, so that a slow logger does not delay them.
    announceCas(this.#reporter, this.#settings, prepared.materials, before?.materials);
    if (before !== undefined)
      announceGaps(this.#reporter, this.#settings, prepared.materials, before.materials);
    return evicted;
  }

  #onListening(server: NetServer): void {
    if (this.#life === 'closed') this.#reporter.emit('not-watching', {});
    else if (this.#life === 'resting') this.#wake();
    const { inForce } = this.#state;
    if (inForce === undefined) return;
    this.#context.renew(inForce.contexts.main);
    announce(this.#reporter, this.#settings, inForce.materials, server);
  }

  /** The CAs in force now. */
  get authorities(): readonly AuthorityState[] {
    const { inForce } = this.#state;
    return inForce === undefined
      ? []
      : describeAuthorities(inForce.materials, new Date(this.#settings.now()));
  }

  /** The CRLs in force now. */
  get revocation(): RevocationState {
    return describeRevocation(this.#state.inForce?.materials, this.#settings.now());
  }

  /** The certificates that the server presents now. */
  get certificates(): readonly ServerCertificateState[] {
    const { materials } = this.#state.inForce ?? {};
    if (materials === undefined) return [];
    const all = [[undefined, materials.main] as const, ...materials.named];
    return Object.freeze(
      all.flatMap(([servername, { credentials }]) =>
        credentials === undefined ? [] : describeCertificate(servername, credentials),
      ),
    );
  }

  /** The proxies that the server is behind. */
  get proxies(): ProxyState | undefined {
    return describeProxies(this.#settings, this.#state.inForce?.materials, this.#gate.connections);
  }

  /** The standing faults of the sources. */
  get faults(): readonly StandingFault[] {
    return this.#reloader.faults.list;
  }

  /** The error of the first fault. */
  get fault(): MtlsError | undefined {
    return this.faults[0]?.error;
  }

  /** Whether no fault stands and no CRL is stale. */
  get healthy(): boolean {
    return this.faults.length === 0 && this.revocation.healthy;
  }

  /** Whether clients can be served. */
  get ready(): boolean {
    const { inForce } = this.#state;
    return inForce !== undefined && isReady(inForce.materials, this.#settings.now());
  }

  /** The open connections of clients with a certificate. */
  get connections(): Iterable<ConnectionState> {
    return [...this.#gate.connections].flatMap(({ identity, remoteAddress, since }) =>
      identity === undefined ? [] : [{ identity, remoteAddress, since }],
    );
  }

  /** Reads every source again and commits what can be used. */
  async reload(): Promise<ReloadReport> {
    return await this.#reloader.reload();
  }

  /** Adds a listener for an event. */
  on<Name extends keyof MtlsEvents>(name: Name, listener: (...args: MtlsEvents[Name]) => void): this {
    this.#reporter.emitter.on(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Adds a listener for the next event of this name. */
  once<Name extends keyof MtlsEvents>(name: Name, listener: (...args: MtlsEvents[Name]) => void): this {
    this.#reporter.emitter.once(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Removes a listener. */
  off<Name extends keyof MtlsEvents>(name: Name, listener: (...args: MtlsEvents[Name]) => void): this {
    this.#reporter.emitter.off(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /** The secure context of a server name, for node:tls; `undefined` for that of the server itself. */
  contextOf(servername: string): SecureContext | undefined {
    const name = this.#gate.names?.find(servername);
    return name === undefined ? undefined : this.#state.inForce?.contexts.named.get(name)?.context;
  }

  /** Explains why a client is admitted or refused. */
  explain(subject: Explicable, servername?: string): Explanation {
    const { judges } = this.#state;
    if (judges === undefined)
      throw new MtlsError('ERR_MTLS_STATE_INVALID', {
        seen: 'the sources have not been read yet',
        remedy: 'await protect() first',
      });
    const name = servername === undefined ? undefined : this.#gate.names?.find(servername);
    return explain(certificatesIn(subject), judges.of(name), new Date(this.#settings.now()));
  }

  /** Stops everything that a closed server does not need. It may listen again. */
  async #rest(): Promise<void> {
    if (this.#life !== 'closed') this.#life = 'resting';
    this.#expiry.close();
    this.#clock.close();
    this.#gate.rest();
    this.#reporter.rest();
    await this.#reloader.close();
  }

  #watchExpiry(): void {
    this.#expiry.watch(revocationsOf(this.#state.inForce?.materials));
  }

  #watchDates(): void {
    this.#watchExpiry();
    this.#clock.begin(() => {
      this.#watchExpiry();
      void this.#gate.judgeAnew();
    });
  }

  #wake(): void {
    this.#life = 'serving';
    this.#watchDates();
    this.#reloader.resume();
  }

  /** Stops watching the sources. */
  async close(): Promise<void> {
    this.#life = 'closed';
    await this.#rest();
  }

  /** `await using mtls = …` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
