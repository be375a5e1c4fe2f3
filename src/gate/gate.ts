/**
 * The gate: judges every connection between the TLS handshake and the HTTP parser. If the gate itself fails, the
 * connection is destroyed.
 *
 * @module
 */
import type { Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type CertificateIdentity, type ClientIdentity } from '../identity/client-identity.js';
import { type TrustOwner } from '../material/loader-hooks.js';
import { hasOpensslAnchors } from '../material/settings.js';
import { type Refusal, type RefusalReason } from '../judgement/refusal.js';
import { type Judges } from '../judgement/judges.js';
import { ServerNames } from '../material/server-names.js';
import { type KeptConnection, remoteAddressOf, setConnection } from './connection.js';
import {
  gateFailed,
  notReady,
  refuseBoth,
  refuseSender,
  refuseWithoutCertificate,
} from './connection-refusal.js';
import { Deadline } from './deadline.js';
import { type GateReporter } from './events.js';
import { judgeConnections } from './eviction.js';
import { isPlainHttp, nativeRefusal } from './failed-handshake.js';
import { type Exchange } from './forwarded-connection.js';
import { GatedConnection } from './gated-connection.js';
import { HandshakeLimit } from './handshake-limit.js';
import { identityOn, opensslVerdictOn, PeerCache, type ReadPeer } from './peer.js';
import { ProxyGate, type ProxyKeeper, roleOf } from './proxy-gate.js';
import { RefusalResponder } from './refusal-responder.js';
import { guardServer } from './request-guard.js';
import { type GateState } from './gate-state.js';
import { type GateSettings } from './settings.js';
import { type Judging, TriedIntermediates } from './tried-intermediates.js';

const outForGood: readonly RefusalReason[] = ['revoked', 'expired', 'untrusted'];

/** Judges connections, keeps those that are admitted, and ends those that no longer are. */
export class Gate implements ProxyKeeper {
  readonly #settings: GateSettings;
  readonly #state: GateState;
  /** Where events are reported. */
  readonly reporter: GateReporter;
  readonly #peers = new PeerCache();
  readonly #tried = new TriedIntermediates();
  readonly #connections = new Set<KeptConnection>();
  readonly #proxies: ProxyGate | undefined;
  readonly #deadline: Deadline;
  readonly #handshakes: HandshakeLimit;
  readonly #responder: RefusalResponder | undefined;
  /** The server names with their own certificate, CAs or CRLs; `undefined` if there are none. */
  readonly names: ServerNames | undefined;

  /**
   * @param state - The judges in force. One object for the server's lifetime, read each time a client is judged.
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

  /** The judges in force; `undefined` before the first commit, when every client is refused. */
  get judges(): Judges | undefined {
    return this.#state.judges;
  }

  /** The SHA-256 hash of each proxy secret. */
  get proxySecrets(): readonly Buffer[] {
    return this.#state.proxySecrets ?? [];
  }

  /** Whether a caller must have a certificate. */
  get clients(): 'required' | 'optional' {
    return this.#settings.clients;
  }

  /** Puts changed files into force before a client is judged. */
  catchUp(): void {
    this.#state.catchUp?.();
  }

  /** Passes on the distribution points of a client that no CRL covers. */
  want(uris: readonly string[], owner: TrustOwner): void {
    this.#state.want?.(uris, owner);
  }

  /** The open connections of admitted clients and of proxies. */
  get connections(): ReadonlySet<KeptConnection> {
    return this.#connections;
  }

  /** The clock, in milliseconds since 1970. */
  get now(): () => number {
    return this.#settings.now;
  }

  /** Runs before every listener of the server, including the HTTP parser. A refused socket reaches none of them. */
  guard(server: NetServer): void {
    const hasTls = 'setSecureContext' in server;
    guardServer(server, {
      proxies: this.#proxies,
      accept: (socket) => {
        if (hasTls) this.#handshakes.begin(socket);
        // Without TLS there is nothing to judge until a request has arrived.
        else this.#open(socket, new GatedConnection(this, socket, undefined, { role: 'carrier' }));
        return true;
      },
      admit: (socket) => {
        this.#handshakes.end(socket);
        return this.#receive(socket);
      },
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      if (isPlainHttp(error)) this.reporter.emit('plain-http', { remoteAddress: remoteAddressOf(socket) });
      // With rejectUnauthorized, node:tls has already destroyed the socket, and only this event reports the refusal.
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
   * For a server without the gate's listener: judges a socket at its first request. A refused socket stays open,
   * because the request has been read; `judgeRequest()` then refuses each request.
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
    const { proxies } = this.#settings;
    const role = roleOf(proxies);
    const openssl = opensslVerdictOn(socket);
    // The requests prove the proxy, and the certificate of its connection is not needed.
    const peer = role === 'carrier' ? undefined : this.#peers.read(socket, openssl);
    if (this.judges === undefined) return this.#refuse(socket, notReady);
    if (peer === undefined) {
      const isRequired =
        role === 'client' && (this.#settings.clients === 'required' || proxies?.direct === 'refuse');
      if (isRequired) return this.#refuse(socket, refuseWithoutCertificate(proxies));
      this.#open(socket, new GatedConnection(this, socket, undefined, { role }));
      return undefined;
    }
    if ('reason' in peer) return this.#refuse(socket, peer);
    // Without trust anchors, OpenSSL knows only the CAs that the client sent, so its verdict must not decide.
    const asked = hasOpensslAnchors(this.#settings) ? openssl : 'not-asked';
    let refused = (refusal: Refusal): Refusal => this.#refuse(socket, refusal, peer);
    if (proxies?.isProxy !== undefined) {
      const proxy = new GatedConnection(this, socket, peer, { role: 'proxy' });
      const fault = proxy.judge(asked);
      if (fault === undefined && proxy.reported !== undefined && proxies.isProxy(proxy.reported))
        return this.#admitted(socket, peer, proxy);
      if (proxies.direct === 'refuse') return refused(refuseSender(fault));
      refused = (refusal) => this.#refuse(socket, refuseBoth(refusal, fault), peer);
    }
    const connection = new GatedConnection(this, socket, peer, { role });
    const refusal = connection.judge(asked);
    if (refusal === undefined) return this.#admitted(socket, peer, connection);
    // OpenSSL found a trusted path, and this package did not: the client may have sent an intermediate.
    const isPathMissing = connection.mayHaveOtherPath && openssl === 'trusted';
    if (isPathMissing && !socket.isSessionReused())
      return this.#judgeWithIntermediates(socket, peer, connection, refused);
    return refused(refusal);
  }

  #judgeWithIntermediates(
    socket: TLSSocket,
    peer: ReadPeer,
    asked: GatedConnection,
    refused: (refusal: Refusal) => Refusal,
  ): Refusal | undefined {
    const { name, role } = asked;
    const judging: Judging = { generation: this.judges?.generation ?? 0, name };
    const tried = this.#tried.find(peer, judging);
    if (tried !== undefined) return refused(tried);
    const refuseTried = (refusal: Refusal): Refusal => {
      this.#tried.add(peer, judging, refusal);
      return refused(refusal);
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
    if (peer !== undefined) this.#forget(peer.certificate, refusal);
    this.#reportRefusal(socket, peer && identityOn(socket, peer), refusal);
    return refusal;
  }

  /** Judges what a client has open through a proxy again after reloads and when dates pass. */
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
    // The identity is read last, because that calls OpenSSL.
    if (!this.reporter.isHeard('authenticated') || connection.identity === undefined) return;
    const { identity } = connection;
    this.reporter.emit('authenticated', { identity, remoteAddress: connection.remoteAddress });
  }

  /**
   * Judges every open connection by the CAs and CRLs in force, and ends those that fail; see {@link judgeConnections}.
   * @returns How many connections were ended.
   */
  async judgeAll(): Promise<number> {
    const { ended, until } = await judgeConnections(this.#connections, (connection, refusal) => {
      this.reportEviction(connection, refusal);
    });
    this.#deadline.add(until);
    return ended;
  }

  /** Judges every open connection like a new one, because the clock was set: a date may have passed or be ahead. */
  async judgeAnew(): Promise<number> {
    // Infinity means that there is no certificate, and no verdict would set it again.
    for (const open of this.#connections) if (open.until !== Infinity) open.until = -Infinity;
    return await this.judgeAll();
  }

  /** Reports that the gate itself failed, and returns a refusal. */
  failed(error: unknown): Refusal {
    this.reporter.emit('gate-failed', { error });
    return gateFailed;
  }

  /**
   * Writes pending log lines, and stops the timers that are not needed: without connections there is no date to wait
   * for. They start again if the server listens again.
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

  /** Forgets a client that will not be admitted again. A late CRL is no such reason. */
  #forget(of: Pick<CertificateIdentity, 'raw'> | undefined, { reason }: Refusal): void {
    if (of !== undefined && outForGood.includes(reason)) this.#peers.forget(of);
  }

  #reportRefusal(socket: TLSSocket, identity: ClientIdentity | undefined, refusal: Refusal): void {
    this.reporter.emit('refused', {
      ...refusal,
      identity,
      remoteAddress: remoteAddressOf(socket),
      tlsVersion: socket.getProtocol() ?? undefined,
      // `null` on a destroyed socket.
      resumed: (socket.isSessionReused() as boolean | null) === true,
    });
  }
}
