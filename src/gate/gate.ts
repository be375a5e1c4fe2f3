/**
 * The gate: every connection passes it between the TLS handshake and the HTTP
 * parser, and is judged. If the gate itself fails, the connection is destroyed.
 *
 * @module
 */
import type { Server, TLSSocket } from 'node:tls';
import { type CertificateIdentity, type ClientIdentity } from '../identity/client-identity.js';
import { refuseForOpenssl } from '../judgement/judgement.js';
import { hasOpensslAnchors } from '../material/settings.js';
import { type Refusal, type RefusalReason, refuse } from '../judgement/refusal.js';
import { type Judges } from '../judgement/judges.js';
import { ServerNames } from '../material/server-names.js';
import { type Connection, remoteAddressOf, setConnection } from './connection.js';
import { Deadline } from './deadline.js';
import { type GateReporter } from './events.js';
import { GatedConnection, type Keeper } from './gated-connection.js';
import { HandshakeLimit } from './handshake-limit.js';
import { identityOn, opensslVerdictOn, PeerCache, type ReadPeer } from './peer.js';
import { RefusalResponder } from './refusal-responder.js';
import { guardServer } from './request-guard.js';
import { type GateSettings } from './settings.js';
import { Slice } from './slice.js';
import { type Judging, TriedIntermediates } from './tried-intermediates.js';

const gateFailed = refuse('untrusted', 'the gate failed');

const outForGood: readonly RefusalReason[] = ['revoked', 'expired', 'untrusted'];

/** By whom clients are judged. */
export interface GateState {
  readonly judges: Judges | undefined;
  /** Called before a client is judged: what changed on disk counts, however busy the event loop is. */
  catchUp?(): void;
}

/** Judges connections, keeps those that are let in, and ends those that may no longer be. */
export class Gate implements Keeper {
  readonly #settings: GateSettings;
  readonly #state: GateState;
  /** Where everything is reported. */
  readonly reporter: GateReporter;
  readonly #peers = new PeerCache();
  readonly #tried = new TriedIntermediates();
  readonly #connections = new Set<GatedConnection>();
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
  }

  /** Who judges clients now; `undefined` before the first commit, when every client is refused. */
  get judges(): Judges | undefined {
    return this.#state.judges;
  }

  /** Lets what has changed come into force before a client is judged. */
  catchUp(): void {
    this.#state.catchUp?.();
  }

  /** The connections that were let in and are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** The clock, in milliseconds since 1970. */
  get now(): () => number {
    return this.#settings.now;
  }

  /** Stands before every listener of the server, the HTTP parser among them. A refused socket reaches none. */
  guard(server: Server): void {
    guardServer(server, {
      accept: (socket) => {
        this.#handshakes.begin(socket);
        return true;
      },
      admit: (socket) => {
        this.#handshakes.end(socket);
        return this.#receive(socket);
      },
    });
    // With rejectUnauthorized, node:tls has destroyed the socket by now; this is all that it leaves.
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
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
   * the request has been read; but whoever asks is told that it is refused.
   */
  judgeLate(socket: TLSSocket): void {
    const refusal = this.#admit(socket);
    if (refusal !== undefined) setConnection(socket, new GatedConnection(this, socket, undefined, refusal));
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
    if (peer === undefined) {
      if (this.#settings.clients === 'required')
        return this.#refuse(socket, refuse('no-certificate', 'the client sent no certificate'));
      this.#open(socket, new GatedConnection(this, socket, undefined));
      return undefined;
    }
    if ('reason' in peer) return this.#refuse(socket, peer);
    const connection = new GatedConnection(this, socket, peer);
    // Without trust anchors OpenSSL knows of the CAs that the client sent only: what is wrong with them decides nothing.
    const refusal = connection.judge(hasOpensslAnchors(this.#settings) ? openssl : 'not-asked');
    if (refusal === undefined) {
      this.#admitted(socket, peer, connection);
      return undefined;
    }
    // OpenSSL found a path that it trusts, and we did not: the client may have sent an intermediate.
    const isPathMissing = connection.mayHaveOtherPath && openssl === 'trusted';
    if (isPathMissing && !socket.isSessionReused())
      return this.#judgeWithIntermediates(socket, peer, connection.name);
    return this.#refuse(socket, refusal, peer);
  }

  #judgeWithIntermediates(socket: TLSSocket, peer: ReadPeer, name: string | undefined): Refusal | undefined {
    const judging: Judging = { generation: this.judges?.generation ?? 0, name };
    const tried = this.#tried.find(peer, judging);
    if (tried !== undefined) return this.#refuse(socket, tried, peer);
    const refuseTried = (refusal: Refusal): Refusal => {
      this.#tried.add(peer, judging, refusal);
      return this.#refuse(socket, refusal, peer);
    };
    const whole = this.#peers.withIntermediates(socket, peer);
    if ('reason' in whole) return refuseTried(whole);
    const connection = new GatedConnection(this, socket, whole);
    const refusal = connection.judge('trusted');
    if (refusal !== undefined) return refuseTried(refusal);
    this.#admitted(socket, whole, connection);
    return undefined;
  }

  #admitted(socket: TLSSocket, peer: ReadPeer, connection: GatedConnection): void {
    this.#peers.remember(peer);
    this.#open(socket, connection);
  }

  #refuse(socket: TLSSocket, refusal: Refusal, peer?: ReadPeer): Refusal {
    if (peer !== undefined) this.#forget(peer.identity, refusal);
    this.#reportRefusal(socket, peer && identityOn(socket, peer), refusal);
    return refusal;
  }

  #open(socket: TLSSocket, connection: GatedConnection): void {
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
    let until = Infinity;
    let slice = new Slice();
    const condemned: { readonly connection: GatedConnection; readonly refusal: Refusal }[] = [];
    // Not a copy, which would take its time with many. Those that come meanwhile stand at the end, and were judged.
    let left = this.#connections.size;
    for (const connection of this.#connections) {
      if (left-- <= 0) break;
      const refusal = connection.check();
      if (refusal === undefined) until = Math.min(until, connection.until);
      // Nothing of it is read any more. To close it takes longer, and comes when all are judged.
      else if (connection.condemn(refusal)) condemned.push({ connection, refusal });
      if (slice.isOver) slice = await slice.next();
    }
    this.#deadline.add(until);
    for (const { connection } of condemned) {
      if (slice.isOver) slice = await slice.next();
      connection.end();
      slice.closed++;
    }
    // A logger may block: all sockets are closed by now.
    slice = new Slice();
    for (const { connection, refusal } of condemned) {
      if (slice.isOver) slice = await slice.next();
      this.reportEviction(connection, refusal);
    }
    return condemned.length;
  }

  /** Judges every open connection as a new one: the clock was set, and a date that had passed may be to come. */
  async judgeAnew(): Promise<number> {
    for (const connection of this.#connections) connection.until = -Infinity;
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
  reportEviction(connection: GatedConnection, refusal: Refusal): void {
    const { identity, remoteAddress, since } = connection;
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

/**
 * Why node:tls refused a client by itself; `undefined` where the handshake failed for another reason. A client without
 * a certificate fails the handshake; UNABLE_TO_GET_ISSUER_CERT is said of a chain that does not end, and of a session
 * without a certificate, and the socket that is left does not tell which.
 */
function nativeRefusal(error: NodeJS.ErrnoException, socket: TLSSocket): Refusal | undefined {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
    return refuse('no-certificate', 'the client sent no certificate');
  const code = socket.authorizationError as unknown;
  if (typeof code !== 'string' || code === '') return undefined;
  if (code !== 'UNABLE_TO_GET_ISSUER_CERT') return refuseForOpenssl(code);
  const seen = 'no configured CA leads to the certificate, or a resumed session has none';
  return refuse('untrusted', `OpenSSL says ${code}: ${seen}`);
}
