/**
 * The gate: every connection passes it between the TLS handshake and the HTTP
 * parser, and is judged. If the gate itself fails, the connection is destroyed.
 *
 * @module
 */
import type { Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type CertificateIdentity, type ClientIdentity } from '../identity/client-identity.js';
import { type TrustOwner } from '../material/loader-hooks.js';
import { hasOpensslAnchors } from '../material/settings.js';
import { type Refusal, type RefusalReason, refuse } from '../judgement/refusal.js';
import { type Judges } from '../judgement/judges.js';
import { ServerNames } from '../material/server-names.js';
import { type Connection, type KeptConnection, remoteAddressOf, setConnection } from './connection.js';
import { Deadline } from './deadline.js';
import { type GateReporter } from './events.js';
import { judgeConnections } from './eviction.js';
import { isPlainHttp, nativeRefusal } from './failed-handshake.js';
import { type Exchange } from './forwarded-connection.js';
import { GatedConnection } from './gated-connection.js';
import { HandshakeLimit } from './handshake-limit.js';
import { identityOn, opensslVerdictOn, PeerCache, type ReadPeer } from './peer.js';
import { ProxyGate, type ProxyKeeper } from './proxy-gate.js';
import { RefusalResponder } from './refusal-responder.js';
import { guardServer } from './request-guard.js';
import { type GateState } from './gate-state.js';
import { type GateSettings } from './settings.js';
import { type Judging, TriedIntermediates } from './tried-intermediates.js';

const gateFailed = refuse('untrusted', 'the gate failed');
const notAProxy = refuse('not-a-proxy', 'proxies.from.rule does not name the certificate', {
  remedy: 'connect through the proxy; if it is the proxy, name its certificate in proxies.from.rule',
});

const outForGood: readonly RefusalReason[] = ['revoked', 'expired', 'untrusted'];

/** Judges connections, keeps those that are admitted, and ends those that no longer are. */
export class Gate implements ProxyKeeper {
  readonly #settings: GateSettings;
  readonly #state: GateState;
  /** Where everything is reported. */
  readonly reporter: GateReporter;
  readonly #peers = new PeerCache();
  readonly #tried = new TriedIntermediates();
  readonly #connections = new Set<KeptConnection>();
  readonly #proxies: ProxyGate | undefined;
  readonly #deadline: Deadline;
  readonly #handshakes: HandshakeLimit;
  readonly #responder: RefusalResponder | undefined;
  /** The names that have something of their own; `undefined` where there are none. */
  readonly names: ServerNames | undefined;

  /**
   * @param state - Says who judges now: one value for a server's life, read at each question.
   */
  constructor(settings: GateSettings, reporter: GateReporter, state: GateState) {
    this.#settings = settings;
    this.#state = state;
    this.reporter = reporter;
    this.#handshakes = new HandshakeLimit(settings.limits, reporter);
    this.#responder = settings.onRefused === 'respond' ? new RefusalResponder() : undefined;
    this.names = settings.names.size === 0 ? undefined : new ServerNames(settings.names.keys());
    this.#deadline = new Deadline(settings.now, () => void this.judgeAll());
    this.#proxies = settings.proxies && new ProxyGate(settings.proxies, this);
  }

  /** Who judges clients now; `undefined` before the first commit, when every client is refused. */
  get judges(): Judges | undefined {
    return this.#state.judges;
  }

  /** The SHA-256 of each secret that proves a proxy. */
  get proxySecrets(): readonly Buffer[] {
    return this.#state.proxySecrets ?? [];
  }

  /** Whether a caller must have a certificate. */
  get clients(): 'required' | 'optional' {
    return this.#settings.clients;
  }

  /** Lets what has changed come into force before a client is judged. */
  catchUp(): void {
    this.#state.catchUp?.();
  }

  /** Passes on the distribution points of a client that no CRL covers. */
  want(uris: readonly string[], owner: TrustOwner): void {
    this.#state.want?.(uris, owner);
  }

  /** The admitted connections that are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** The clock, in milliseconds since 1970. */
  get now(): () => number {
    return this.#settings.now;
  }

  /** Stands before every listener of the server, the HTTP parser among them. A refused socket reaches none. */
  guard(server: NetServer): void {
    const hasTls = 'setSecureContext' in server;
    guardServer(server, {
      proxies: this.#proxies,
      accept: (socket) => {
        if (hasTls) this.#handshakes.begin(socket);
        // Without TLS there is nothing to judge before a request says whose it is.
        else this.#open(socket, new GatedConnection(this, socket, undefined, { role: 'unknown' }));
        return true;
      },
      admit: (socket) => {
        this.#handshakes.end(socket);
        return this.#receive(socket);
      },
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      if (isPlainHttp(error)) this.reporter.emit('plain-http', { remoteAddress: remoteAddressOf(socket) });
      // With rejectUnauthorized, node:tls has destroyed the socket by now; this is all that it leaves.
      const refusal = nativeRefusal(error, socket);
      if (refusal !== undefined) this.#reportRefusal(socket, undefined, refusal);
    });
  }

  #receive(socket: TLSSocket): boolean {
    const refusal = this.#admit(socket);
    if (refusal === undefined) return true;
    if (this.#responder === undefined || refusal === gateFailed) socket.destroy();
    else this.#responder.take(socket, refusal);
    return false;
  }

  /**
   * For a server without the gate's listener: judges a socket at its first request. Refused, it stays open, for
   * the request has been read; but `judgeRequest()` refuses it.
   */
  judgeLate(socket: TLSSocket): void {
    const refusal = this.#admit(socket);
    if (refusal !== undefined)
      setConnection(socket, new GatedConnection(this, socket, undefined, { refusal }));
  }

  #admit(socket: TLSSocket): Refusal | undefined {
    try {
      return this.#judge(socket);
    } catch (error) {
      return this.failed(error);
    }
  }

  #judge(socket: TLSSocket): Refusal | undefined {
    this.catchUp();
    const openssl = opensslVerdictOn(socket);
    const peer = this.#peers.read(socket, openssl);
    if (this.judges === undefined)
      return this.#refuse(
        socket,
        refuse('untrusted', 'the server is not ready: its CAs and CRLs are still being read'),
      );
    const { proxies } = this.#settings;
    const role = proxies !== undefined && proxies.trust === undefined ? 'unknown' : 'client';
    if (peer === undefined) {
      const isRequired =
        role === 'client' && (this.#settings.clients === 'required' || proxies?.direct === 'refuse');
      if (isRequired) return this.#refuse(socket, refuse('no-certificate', 'the client sent no certificate'));
      this.#open(socket, new GatedConnection(this, socket, undefined, { role }));
      return undefined;
    }
    if ('reason' in peer) return this.#refuse(socket, peer);
    // Without trust anchors OpenSSL knows of the CAs that the client sent only: what is wrong with them decides nothing.
    const asked = hasOpensslAnchors(this.#settings) ? openssl : 'not-asked';
    if (proxies?.isProxy !== undefined) {
      const proxy = new GatedConnection(this, socket, peer, { role: 'proxy' });
      const fault = proxy.judge(asked);
      if (fault === undefined && proxy.reported !== undefined && proxies.isProxy(proxy.reported)) {
        return this.#admitted(socket, peer, proxy);
      }
      if (proxies.direct === 'refuse') return this.#refuse(socket, fault ?? notAProxy, peer);
    }
    const connection = new GatedConnection(this, socket, peer, { role });
    const refusal = connection.judge(asked);
    if (refusal === undefined) return this.#admitted(socket, peer, connection);
    // OpenSSL found a path that it trusts, and we did not: the client may have sent an intermediate.
    const isPathMissing = connection.mayHaveOtherPath && openssl === 'trusted';
    if (isPathMissing && !socket.isSessionReused())
      return this.#judgeWithIntermediates(socket, peer, connection);
    return this.#refuse(socket, refusal, peer);
  }

  #judgeWithIntermediates(socket: TLSSocket, peer: ReadPeer, asked: GatedConnection): Refusal | undefined {
    const { name, role } = asked;
    const judging: Judging = { generation: this.judges?.generation ?? 0, name };
    const tried = this.#tried.find(peer, judging);
    if (tried !== undefined) return this.#refuse(socket, tried, peer);
    const refuseTried = (refusal: Refusal): Refusal => {
      this.#tried.add(peer, judging, refusal);
      return this.#refuse(socket, refusal, peer);
    };
    const whole = this.#peers.withIntermediates(socket, peer);
    if ('reason' in whole) return refuseTried(whole);
    const connection = new GatedConnection(this, socket, whole, { role });
    const refusal = connection.judge('trusted');
    return refusal === undefined ? this.#admitted(socket, whole, connection) : refuseTried(refusal);
  }

  #admitted(socket: TLSSocket, peer: ReadPeer, connection: GatedConnection): Refusal | undefined {
    this.#peers.remember(peer);
    this.#open(socket, connection);
    return undefined;
  }

  #refuse(socket: TLSSocket, refusal: Refusal, peer?: ReadPeer): Refusal {
    if (peer !== undefined) this.#forget(peer.identity, refusal);
    this.#reportRefusal(socket, peer && identityOn(socket, peer), refusal);
    return refusal;
  }

  /** Keeps an eye on what a client has open through a proxy. */
  keep(connection: KeptConnection, exchange: Exchange): void {
    this.#connections.add(connection);
    exchange.onEnd(() => this.#connections.delete(connection));
    this.#deadline.add(connection.until);
  }

  #open(socket: Socket, connection: GatedConnection): void {
    setConnection(socket, connection);
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
    this.#deadline.add(connection.until);
    // The identity last: it takes a call to OpenSSL.
    if (!this.reporter.isHeard('authenticated') || connection.identity === undefined) return;
    const { identity } = connection;
    this.reporter.emit('authenticated', { identity, remoteAddress: connection.remoteAddress });
  }

  /**
   * Judges every open connection by what is in force, and ends those that fail. In slices, so that the event
   * loop is never held long; a request that comes in between is judged on its own.
   * @returns How many were ended.
   */
  async judgeAll(): Promise<number> {
    const { ended, until } = await judgeConnections(this.#connections, (connection, refusal) => {
      this.reportEviction(connection, refusal);
    });
    this.#deadline.add(until);
    return ended;
  }

  /** Judges every open connection as a new one: the clock was set, and a date that had passed may be to come. */
  async judgeAnew(): Promise<number> {
    // Infinity: it has no certificate, and no judgement would set it again.
    for (const open of this.#connections) if (open.until !== Infinity) open.until = -Infinity;
    return await this.judgeAll();
  }

  /** Reports that the gate itself failed, and refuses. */
  failed(error: unknown): Refusal {
    this.reporter.emit('gate-failed', { error });
    return gateFailed;
  }

  /**
   * Reports what is still to be reported, and stops every timer that nothing needs: without connections there is no date
   * to wait for. A server that listens again starts them anew.
   */
  rest(): void {
    this.#handshakes.rest();
    if (this.#connections.size === 0) this.#deadline.close();
  }

  /** Reports that a connection was closed. */
  reportEviction(connection: KeptConnection, refusal: Refusal): void {
    const { reported: identity, remoteAddress, since } = connection;
    this.#connections.delete(connection);
    this.#forget(identity, refusal);
    this.reporter.emit('evicted', { ...refusal, identity, remoteAddress, since });
  }

  /** What is remembered of a client is for its return. A CRL that is late is no reason to forget. */
  #forget(identity: CertificateIdentity | undefined, { reason }: Refusal): void {
    if (identity !== undefined && outForGood.includes(reason)) this.#peers.forget(identity);
  }

  #reportRefusal(socket: TLSSocket, identity: ClientIdentity | undefined, refusal: Refusal): void {
    this.reporter.emit('refused', {
      ...refusal,
      identity,
      remoteAddress: remoteAddressOf(socket),
      tlsVersion: socket.getProtocol() ?? undefined,
      // A destroyed socket answers null.
      resumed: (socket.isSessionReused() as boolean | null) === true,
    });
  }
}
