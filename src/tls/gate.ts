/**
 * The gate: every connection passes it between the TLS handshake and the HTTP
 * parser, and is judged. If the gate itself fails, the connection is destroyed.
 *
 * @module
 */
import type { Server, TLSSocket } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Settings } from '../options.js';
import { type Connection, remoteAddressOf, setConnection } from './connection.js';
import { Deadline } from './deadline.js';
import { describeIdentity, nameIdentity, type Reporter } from './events.js';
import { type OpensslVerdict, type Refusal, refuse, refuseForOpenssl, type Verdict } from './judgement.js';
import { opensslVerdictOn, type Peer, PeerCache } from './peer.js';
import { type Trust } from './trust.js';

// How long the event loop may be held by judging connections after a commit, and how many it may close at once: what
// node:tls does when a connection closes comes later, and all of it together.
const sliceMs = 5;
const sliceClosed = 8;

/** A part of a long work, after which the event loop gets its turn. */
class Slice {
  readonly #end = performance.now() + sliceMs;
  closed = 0;

  get isOver(): boolean {
    return this.closed >= sliceClosed || performance.now() >= this.#end;
  }

  async rest(): Promise<void> {
    await new Promise(setImmediate);
    // Sockets are freed one turn after they are closed.
    if (this.closed > 0) await new Promise(setImmediate);
  }
}

/** Judges connections, keeps those that are let in, and ends those that may no longer be. */
export class Gate {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #peers = new PeerCache();
  readonly #connections = new Set<GatedConnection>();
  readonly #deadline: Deadline;
  #trust: Trust | undefined;

  constructor(settings: Settings, reporter: Reporter) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#deadline = new Deadline(settings.now, () => void this.judgeAll());
  }

  /** The material in force; `undefined` until the first is: nobody is let in before. */
  get trust(): Trust | undefined {
    return this.#trust;
  }

  /** Judges by this from now on. Open connections are judged again at their next request, or by {@link Gate.judgeAll}. */
  enforce(trust: Trust): void {
    this.#trust = trust;
  }

  /** The connections that were let in and are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** The clock, in milliseconds since 1970. */
  get now(): () => number {
    return this.#settings.now;
  }

  /** Stands before the HTTP parser, and before every other listener that is there now. */
  guard(server: Server): void {
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      this.#receive(socket);
    });
    // With rejectUnauthorized, node:tls has destroyed the socket by now; this is all that it leaves.
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const refusal = nativeRefusal(error, socket);
      if (refusal !== undefined) this.#reportRefusal(socket, undefined, refusal);
    });
  }

  #receive(socket: TLSSocket): void {
    try {
      const refusal = this.#admit(socket);
      if (refusal !== undefined) socket.destroy();
    } catch (error) {
      socket.destroy();
      this.#reporter.log(
        'error',
        { event: 'gate-failed', err: error },
        'the gate failed and the connection was destroyed',
      );
    }
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
    const peer = this.#peers.read(socket);
    const refusal = this.#letIn(socket, peer);
    if (refusal !== undefined) {
      this.#reportRefusal(socket, isPeer(peer) ? identityOn(socket, peer) : undefined, refusal);
    }
    return refusal;
  }

  #letIn(socket: TLSSocket, peer: Peer | MtlsError | undefined): Refusal | undefined {
    if (this.#trust === undefined)
      return refuse('untrusted', 'the server is not ready: its CAs and CRLs are still being read');
    if (peer instanceof MtlsError) return refuse('identity-invalid', peer.message);
    if (peer === undefined) {
      if (this.#settings.clients === 'required')
        return refuse('no-certificate', 'the client sent no certificate');
      this.#open(socket, new GatedConnection(this, socket, undefined));
      return undefined;
    }
    const connection = new GatedConnection(this, socket, { peer, identity: identityOn(socket, peer) });
    const refusal = connection.judge(opensslVerdictOn(socket));
    if (refusal === undefined) this.#open(socket, connection);
    return refusal;
  }

  #open(socket: TLSSocket, connection: GatedConnection): void {
    setConnection(socket, connection);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    this.#deadline.add(connection.until);
    const { identity, remoteAddress } = connection;
    if (identity !== undefined) this.#reporter.emit('authenticated', { identity, remoteAddress });
  }

  /**
   * Judges every open connection by what is in force, and ends those that fail. In slices, so that the event
   * loop is never held long; a request that comes in between is judged on its own.
   * @returns How many were ended.
   */
  async judgeAll(): Promise<number> {
    let evicted = 0;
    let until = Infinity;
    let slice = new Slice();
    for (const connection of [...this.#connections]) {
      const refusal = connection.check();
      if (refusal === undefined) until = Math.min(until, connection.until);
      else if (connection.evict(refusal)) {
        evicted++;
        slice.closed++;
      }
      if (!slice.isOver) continue;
      await slice.rest();
      slice = new Slice();
    }
    this.#deadline.add(until);
    return evicted;
  }

  /** Tells of an eviction. */
  reportEviction(connection: GatedConnection, refusal: Refusal): void {
    const { identity, remoteAddress, since } = connection;
    this.#connections.delete(connection);
    this.#reporter.log(
      'warn',
      { event: 'evicted', ...refusal, ...describeIdentity(identity), remoteAddress, since },
      `evicted: ${refusal.reason}, ${nameIdentity(identity, remoteAddress)}`,
    );
    this.#reporter.emit('evicted', { ...refusal, identity, remoteAddress, since });
  }

  /** Logs a line about a client. */
  warn(fields: object, message: string): void {
    this.#reporter.log('warn', fields, message);
  }

  #reportRefusal(socket: TLSSocket, identity: ClientIdentity | undefined, refusal: Refusal): void {
    const remoteAddress = remoteAddressOf(socket);
    const circumstances = {
      remoteAddress,
      tlsVersion: socket.getProtocol() ?? undefined,
      // A destroyed socket answers null.
      resumed: (socket.isSessionReused() as boolean | null) === true,
    };
    this.#reporter.log(
      'warn',
      { event: 'refused', ...refusal, ...describeIdentity(identity), ...circumstances },
      `refused: ${refusal.reason}, ${nameIdentity(identity, remoteAddress)}`,
    );
    this.#reporter.emit('refused', { ...refusal, identity, ...circumstances });
  }
}

/** Why node:tls refused a client by itself; `undefined` where the handshake failed for another reason. */
function nativeRefusal(error: NodeJS.ErrnoException, socket: TLSSocket): Refusal | undefined {
  const code = socket.authorizationError as unknown;
  const isMissing = error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';
  if (isMissing || code === 'UNABLE_TO_GET_ISSUER_CERT')
    return refuse('no-certificate', 'the client sent no certificate');
  return typeof code === 'string' && code !== '' ? refuseForOpenssl(code) : undefined;
}

function isPeer(peer: Peer | MtlsError | undefined): peer is Peer {
  return peer !== undefined && !(peer instanceof MtlsError);
}

function identityOn(socket: TLSSocket, { identity }: Peer): ClientIdentity {
  return Object.freeze({ source: 'tls', ...identity, resumed: socket.isSessionReused() });
}

/** A connection that stands under the gate's judgement. */
class GatedConnection implements Connection {
  readonly identity: ClientIdentity | undefined;
  readonly remoteAddress: string;
  readonly since: Date;
  /** Until when the last judgement holds if nothing is reloaded, in milliseconds since 1970. */
  until: number = Infinity;
  readonly #gate: Gate;
  readonly #socket: TLSSocket;
  readonly #peer: Peer | undefined;
  #generation = 0;
  /** Why it was refused or ended. */
  #refusal: Refusal | undefined;

  constructor(
    gate: Gate,
    socket: TLSSocket,
    client: { peer: Peer; identity: ClientIdentity } | undefined,
    refusal?: Refusal,
  ) {
    this.identity = client?.identity;
    this.remoteAddress = remoteAddressOf(socket);
    this.since = new Date(gate.now());
    this.#gate = gate;
    this.#socket = socket;
    this.#peer = client?.peer;
    this.#refusal = refusal;
  }

  check(): Refusal | undefined {
    if (this.#refusal !== undefined || this.#peer === undefined) return this.#refusal;
    const isCurrent = this.#generation === this.#gate.trust?.generation && this.#gate.now() < this.until;
    // What OpenSSL found was found at the handshake; a chain that is gone since is found by judging again.
    return isCurrent ? undefined : this.judge('not-asked');
  }

  /** Judges the client by what is in force. */
  judge(openssl: OpensslVerdict): Refusal | undefined {
    const { trust, now } = this.#gate;
    if (trust === undefined || this.#peer === undefined)
      return refuse('untrusted', 'there is nothing to judge by');
    const verdict: Verdict = trust.judge(this.#peer, openssl, new Date(now()));
    if (!verdict.admitted) return verdict.refusal;
    this.#generation = trust.generation;
    this.until = verdict.until;
    return undefined;
  }

  /** @returns Whether this call is the one that ended it. */
  evict(refusal: Refusal): boolean {
    if (this.#socket.destroyed) return false;
    this.#socket.destroy();
    // One that was refused from the start has been told of.
    if (this.#refusal !== undefined) return false;
    this.#refusal = refusal;
    this.#gate.reportEviction(this, refusal);
    return true;
  }

  warn(fields: object, message: string): void {
    const { identity, remoteAddress } = this;
    const who = nameIdentity(identity, remoteAddress);
    this.#gate.warn({ ...fields, ...describeIdentity(identity), remoteAddress }, `${message}: ${who}`);
  }
}
