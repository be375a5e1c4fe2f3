/**
 * The handle of a protected server: its gate, its reloader, and what it tells of
 * them.
 *
 * @module
 */
import type { SecureContext, SecureContextOptions, Server } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Settings } from '../options.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { describeCrls, type RevocationEntryState } from '../revocation/revocation-state.js';
import { freshUntil } from '../revocation/verified-crl.js';
import { announce, announceCas } from './announcement.js';
import { type AuthorityState, describeAuthorities } from './authority-state.js';
import { CrlExpiryWatch } from './crl-expiry-watch.js';
import { type MtlsEvents, type ReloadReport, Reporter, type TypedEventEmitter } from './events.js';
import { type Explanation, explain, type Explicable } from './explanation.js';
import { Gate } from './gate.js';
import { type Materials } from './material.js';
import { type Prepared, Reloader } from './reloader.js';
import { createTrust } from './trust.js';

/** The CRLs in force. */
export interface RevocationState {
  /** Each of them, whichever source it came from. */
  readonly crls: readonly RevocationEntryState[];
  /** The CAs of which no CRL is loaded, though some are: by default whatever those CAs issued is refused. */
  readonly uncovered: readonly string[];
  /** Whether every CRL is in date. For a readiness probe. `true` where no CRL was configured. */
  readonly healthy: boolean;
}

/** One open connection that was let in. */
export interface ConnectionState {
  /** Who is at its other end. */
  readonly identity: ClientIdentity;
  /** Its IP address, IPv4 as IPv4; `'unknown address'` where the socket has none. */
  readonly remoteAddress: string;
  /** When the client was let in. */
  readonly since: Date;
}

/** What is published on the channel `express-mtls.NAME` of node:diagnostics_channel. */
export interface MtlsMessage<Name extends keyof MtlsEvents = keyof MtlsEvents> {
  /** The handle that it is about; `undefined` for a server on options of `createServerOptions()`. */
  readonly mtls: Mtls | undefined;
  /** What listeners of the event NAME are given. */
  readonly event: MtlsEvents[Name][0];
}

/** The certificate that a server shows. */
export interface ServerCertificateState {
  /** The name of `sni` that it is for; `undefined`: the server's own. */
  readonly servername: string | undefined;
  /** Until when it holds. */
  readonly notAfter: Date;
}

/** The handle of a protected server. */
export interface Mtls extends AsyncDisposable, TypedEventEmitter<MtlsEvents> {
  /** The CAs in force now, those of the names of `sni` among them. */
  readonly authorities: readonly AuthorityState[];
  /** The CRLs in force now. */
  readonly revocation: RevocationState;
  /** The certificates that the server shows now: its own, then those of `sni`. */
  readonly certificates: readonly ServerCertificateState[];
  /** What was wrong with the sources when they were last read, as `'reload-failed'` told; `undefined`: nothing. */
  readonly fault: MtlsError | undefined;
  /** The open connections of clients with a certificate. */
  readonly connections: Iterable<ConnectionState>;
  /**
   * Reads every source again and puts it into force, all or nothing. Calls that overlap share one reading.
   * @throws MtlsError what is wrong; what was in force stays. The `'reload-failed'` event says the same. With
   *   `ERR_MTLS_KEY_MISMATCH` the pair in force stays, and CAs and CRLs are reloaded all the same.
   */
  reload(): Promise<ReloadReport>;
  /**
   * Says why a client is let in or not: each check, the CAs and CRLs it rests on, and which of the rules that
   * `requireClient()` was given in this process would grant.
   * @param subject - An identity, a certificate, or PEM or DER.
   * @param servername - Which of the names of `sni` the client asks for; by default none of them.
   * @throws MtlsError `ERR_MTLS_PEM_INVALID` for text that holds no certificate.
   */
  explain(subject: Explicable, servername?: string): Explanation;
  /** Stops watching the sources. The gate goes on judging by what is in force. */
  close(): Promise<void>;
}

/** Guards one server: {@link MtlsHandle.guard}, {@link MtlsHandle.load} and {@link MtlsHandle.begin}, in any order that ends with the last. */
export class MtlsHandle implements Mtls {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #gate: Gate;
  readonly #reloader: Reloader;
  readonly #expiry: CrlExpiryWatch;
  #server: Server | undefined;
  #prepared: Prepared | undefined;
  #context: SecureContextOptions | undefined;
  #hasBegun = false;
  #isClosed = false;
  #isResting = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#reporter = new Reporter(settings.logger, this);
    this.#gate = new Gate(settings, this.#reporter);
    this.#reloader = new Reloader(settings, this.#reporter, (prepared) => this.#commit(prepared));
    this.#expiry = new CrlExpiryWatch(settings.now, this.#reporter);
  }

  /** Puts the gate on a server. It lets nobody in before {@link MtlsHandle.begin}. */
  guard(server: Server): void {
    this.#server = server;
    this.#gate.guard(server);
    if (!this.#settings.resumption) refuseSessionStores(server);
    server.on('close', () => void this.#rest());
    server.on('listening', () => {
      this.#onListening();
    });
  }

  /**
   * Reads the sources for the first time.
   * @returns The options of the secure context they make.
   * @throws MtlsError whatever is wrong with them.
   */
  async load(): Promise<SecureContextOptions> {
    try {
      this.#prepared = await this.#reloader.load();
      return this.#prepared.main.options;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Puts what was read into force, and keeps it up to date. */
  async begin(): Promise<void> {
    if (this.#prepared === undefined) return;
    await this.#commit(this.#prepared);
    this.#reloader.begin();
    // Not before whoever made the server has had a turn to listen for what is told of its CRLs.
    setImmediate(() => {
      this.#hasBegun = true;
      if (!this.#isClosed && !this.#isResting) this.#watchExpiry();
    });
  }

  /** Everything is built: swap the secure context, then what clients are judged by, then judge those that are here. */
  async #commit(prepared: Prepared): Promise<number> {
    const { materials, main } = prepared;
    // A large CRL is in the index alone: then there is nothing to swap, and node:tls need not build a context.
    if (main.options !== this.#context) this.#swap(main.options);
    this.#context = main.options;
    // The contexts of the names are asked for at each handshake: this swaps them all.
    this.#prepared = prepared;
    announceCas(this.#reporter, materials, this.#gate.trust?.materials);
    this.#gate.enforce(
      createTrust(materials, this.#settings.certificates, (this.#gate.trust?.generation ?? 0) + 1),
    );
    if (this.#hasBegun) this.#watchExpiry();
    // Every request is judged by it from here on, so that the open connections may wait a turn.
    await new Promise(setImmediate);
    return await this.#gate.judgeAll();
  }

  /** A new context makes new ticket keys, and no session would outlive a CRL. The gate judges those that do. */
  #swap(context: SecureContextOptions): void {
    // The first context is not this server's own: its keys may be known elsewhere. And who is refused with an answer
    // gets a ticket all the same, in which OpenSSL's verdict would outlive the CRL that it was by.
    const isKept = this.#context !== undefined && this.#settings.onRefused === 'close';
    const keys = isKept ? this.#server?.getTicketKeys() : undefined;
    this.#server?.setSecureContext(context);
    if (keys !== undefined) this.#server?.setTicketKeys(keys);
  }

  #onListening(): void {
    if (this.#isClosed) {
      const message =
        'the server listens, and its handle was closed: its files are not watched; make a new server';
      this.#reporter.log('error', { event: 'not-watching' }, message);
    } else if (this.#isResting) this.#wake();
    // Once more, because a cluster's worker inherits ticket keys that are as old as the cluster.
    if (this.#context !== undefined) this.#server?.setSecureContext(this.#context);
    if (this.#prepared !== undefined)
      announce(this.#reporter, this.#settings, this.#prepared.materials, this.#server?.address());
  }

  /** The CAs in force now. */
  get authorities(): readonly AuthorityState[] {
    const { trust } = this.#gate;
    return trust === undefined ? [] : describeAuthorities(trust.materials, new Date(this.#settings.now()));
  }

  /** The CRLs in force now. */
  get revocation(): RevocationState {
    const revocations = revocationsOf(this.#gate.trust?.materials);
    const now = this.#settings.now();
    const isHealthy = ({ crls, policy }: RevocationChecker): boolean =>
      crls.every((crl) => freshUntil(crl.crl, { ...policy, stale: 'deny' }) > now);
    return Object.freeze({
      crls: describeCrls(revocations.flatMap(({ crls }) => crls)),
      uncovered: Object.freeze(
        revocations.flatMap((each) =>
          each.uncoveredCas(new Date(now)).map(({ subject }) => subject.toString()),
        ),
      ),
      healthy: revocations.every(isHealthy),
    });
  }

  /** The certificates that the server shows now. */
  get certificates(): readonly ServerCertificateState[] {
    const { materials } = this.#prepared ?? {};
    if (materials === undefined) return [];
    const all = [[undefined, materials.main] as const, ...materials.named];
    return Object.freeze(
      all.map(([servername, { credentials }]) =>
        Object.freeze({ servername, notAfter: credentials.notAfter }),
      ),
    );
  }

  /** What was wrong with the sources when they were last read. */
  get fault(): MtlsError | undefined {
    return this.#reloader.fault;
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
    return name === undefined ? undefined : this.#prepared?.named.get(name)?.context;
  }

  /** Says why a client is let in or not. */
  explain(subject: Explicable, servername?: string): Explanation {
    const { trust } = this.#gate;
    if (trust === undefined)
      throw new MtlsError(
        'ERR_MTLS_OPTION_INVALID',
        'the sources have not been read yet; await protect() first',
      );
    const name = servername === undefined ? undefined : this.#gate.names?.find(servername);
    return explain(subject, trust.of(name), new Date(this.#settings.now()));
  }

  /** A server that is closed may listen again: what it does not need meanwhile is stopped. */
  async #rest(): Promise<void> {
    this.#isResting = true;
    this.#expiry.close();
    this.#gate.rest();
    await this.#reloader.close();
  }

  #watchExpiry(): void {
    this.#expiry.watch(revocationsOf(this.#gate.trust?.materials));
  }

  #wake(): void {
    this.#isResting = false;
    this.#watchExpiry();
    this.#reloader.resume();
  }

  /** Stops watching. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#rest();
  }

  /** `await using mtls = …` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Every list that is in force, once. */
function revocationsOf(materials: Materials | undefined): RevocationChecker[] {
  if (materials === undefined) return [];
  const all = [materials.main, ...materials.named.values()].flatMap(({ trust }) => trust.revocation ?? []);
  return [...new Set(all)];
}

const storeEvents = ['newSession', 'resumeSession'] as const;

/** A store resumes sessions by their number, which no option of a secure context prevents. */
function refuseSessionStores(server: Server): void {
  const refuse = (name: string | symbol): void => {
    if (!storeEvents.some((event) => event === name)) return;
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `a listener for '${String(name)}' resumes sessions, and options.resumption is false; leave one of them out`,
    );
  };
  for (const event of storeEvents) if (server.listenerCount(event) > 0) refuse(event);
  server.on('newListener', refuse);
}
