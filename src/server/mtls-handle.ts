/**
 * The handle of a protected server: its gate, its reloader, and what it tells of
 * them.
 *
 * @module
 */
import type { Server as NetServer } from 'node:net';
import type { SecureContext, SecureContextOptions, Server } from 'node:tls';
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
  type RevocationState,
  type ServerCertificateState,
} from './mtls.js';
import { type Settings } from './options.js';
import { Reloader } from './reloader.js';
import { describeRevocation, isReady, revocationsOf } from './revocation-health.js';
import { refuseSessionStores } from './session-stores.js';

/**
 * Where a handle is in its life. `'loading'`: it is not watching yet. `'resting'`: its server is closed, and may listen
 * again. `'closed'`: whoever has it has closed it.
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
  /** `undefined` where the server has no TLS. */
  #server: Server | undefined;
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
    });
    this.#reloader = new Reloader(settings, this.#reporter, this.#state, (prepared) =>
      this.#commit(prepared),
    );
    this.#expiry = new CrlExpiryWatch(settings.now, this.#reporter);
    this.#clock = new ClockWatch(settings.now);
  }

  /** Puts the gate on a server. It lets nobody in before {@link MtlsHandle.load} is done. */
  guard(server: Server | NetServer): void {
    this.#server = 'setSecureContext' in server ? server : undefined;
    this.#gate.guard(server);
    if (!this.#settings.resumption && this.#server !== undefined) refuseSessionStores(this.#server);
    server.on('close', () => void this.#rest());
    server.on('listening', () => {
      this.#onListening(server);
    });
  }

  /**
   * Reads the sources for the first time, and puts them into force.
   * @returns The options of the secure context they make; `undefined` without TLS.
   * @throws MtlsError whatever is wrong with them.
   */
  async load(): Promise<SecureContextOptions | undefined> {
    try {
      const prepared = await this.#reloader.load();
      await this.#commit(prepared);
      return prepared.contexts.main?.options;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Keeps what is in force up to date. */
  begin(): void {
    this.#reloader.begin();
    // Not before whoever made the server has had a turn to listen for what is told of its CRLs.
    setImmediate(() => {
      if (this.#life !== 'loading') return;
      this.#life = 'serving';
      this.#watchDates();
    });
  }

  /** Everything is built: swap the secure context, then what clients are judged by, then judge those that are here. */
  async #commit(prepared: Prepared): Promise<number> {
    const before = this.#state.inForce;
    const { main } = prepared.contexts;
    // A large CRL is in the index alone: then there is nothing to swap, and node:tls need not build a context.
    if (main !== undefined && main.options !== before?.contexts.main?.options)
      this.#swap(main.options, before !== undefined);
    // The contexts of the names are asked for at each handshake: this swaps them all.
    this.#state.commit(prepared);
    if (this.#life === 'serving') this.#watchExpiry();
    // Every request is judged by it from here on, so that the open connections may wait a turn.
    await new Promise(setImmediate);
    const evicted = await this.#gate.judgeAll();
    // Whoever is revoked does not stay while a logger writes.
    announceCas(this.#reporter, this.#settings, prepared.materials, before?.materials);
    if (before !== undefined)
      announceGaps(this.#reporter, this.#settings, prepared.materials, before.materials);
    return evicted;
  }

  /** A new context makes new ticket keys, and no session would outlive a CRL. The gate judges those that do. */
  #swap(context: SecureContextOptions, isOwn: boolean): void {
    // The first context is not this server's own: its keys may be known elsewhere. And who is refused with an answer
    // gets a ticket all the same, in which OpenSSL's verdict would outlive the CRL that it was by.
    const isKept = isOwn && this.#settings.onRefused === 'close';
    const keys = isKept ? this.#server?.getTicketKeys() : undefined;
    this.#server?.setSecureContext(context);
    if (keys !== undefined) this.#server?.setTicketKeys(keys);
  }

  #onListening(server: NetServer): void {
    if (this.#life === 'closed') this.#reporter.emit('not-watching', {});
    else if (this.#life === 'resting') this.#wake();
    const { inForce } = this.#state;
    if (inForce === undefined) return;
    // Once more, because a cluster's worker inherits ticket keys that are as old as the cluster.
    if (inForce.contexts.main !== undefined) this.#server?.setSecureContext(inForce.contexts.main.options);
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

  /** The certificates that the server shows now. */
  get certificates(): readonly ServerCertificateState[] {
    const { materials } = this.#state.inForce ?? {};
    if (materials === undefined) return [];
    const all = [[undefined, materials.main] as const, ...materials.named];
    return Object.freeze(
      all.flatMap(([servername, { credentials }]) =>
        credentials === undefined ? [] : [Object.freeze({ servername, notAfter: credentials.notAfter })],
      ),
    );
  }

  /** What is wrong with the sources. */
  get faults(): readonly StandingFault[] {
    return this.#reloader.faults.list;
  }

  /** The first of the faults. */
  get fault(): MtlsError | undefined {
    return this.faults[0]?.error;
  }

  /** Whether nothing is wrong. */
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

  /** Reads every source again and puts it into force. */
  async reload(): Promise<ReloadReport> {
    return await this.#reloader.reload();
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

  /** The context of a server name, for node:tls; `undefined`: that of the server itself. */
  contextOf(servername: string): SecureContext | undefined {
    const name = this.#gate.names?.find(servername);
    return name === undefined ? undefined : this.#state.inForce?.contexts.named.get(name)?.context;
  }

  /** Says why a client is let in or not. */
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

  /** A server that is closed may listen again: what it does not need meanwhile is stopped. */
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

  /** Stops watching. */
  async close(): Promise<void> {
    this.#life = 'closed';
    await this.#rest();
  }

  /** `await using mtls = …` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
