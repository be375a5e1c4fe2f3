/**
 * A connection that the gate judges: at its handshake, and again whenever something was reloaded or a date has passed.
 *
 * @module
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type OpensslVerdict } from '../judgement/judgement.js';
import { endedFor, type Refusal, refuse } from '../judgement/refusal.js';
import { type Judges, type Verdict } from '../judgement/judges.js';
import { type TrustOwner } from '../material/loader-hooks.js';
import { type ServerNames } from '../material/server-names.js';
import { type KeptConnection, remoteAddressOf } from './connection.js';
import { type GateReporter } from './events.js';
import { identityOn, intermediatesOf, type ReadPeer } from './peer.js';

/** What a connection needs from its gate. */
export interface Keeper {
  readonly judges: Judges | undefined;
  readonly now: () => number;
  /** The server names with their own certificate, CAs or CRLs; `undefined` if there are none. */
  readonly names: ServerNames | undefined;
  readonly reporter: GateReporter;
  /** Puts changed files into force before a client is judged. */
  catchUp(): void;
  /** Passes on the distribution points of a client that no CRL covers. */
  want(uris: readonly string[], owner: TrustOwner): void;
  /** Reports that a connection was closed. */
  reportEviction(connection: KeptConnection, refusal: Refusal): void;
  /** Reports that the gate itself failed, and returns a refusal. */
  failed(error: unknown): Refusal;
}

/**
 * Whose connection it is. `'proxy'` if its certificate is that of a proxy. `'carrier'` if each request must prove that
 * a proxy has sent it, by a secret or by the address it comes from. `'unknown'` if it may also be a client's, until a
 * request proves that.
 */
export type ConnectionRole = 'client' | 'proxy' | 'carrier' | 'unknown';

/** A connection that the gate judges. */
export class GatedConnection implements KeptConnection {
  /** Until when the last verdict is valid if nothing is reloaded, in milliseconds since 1970. */
  until: number = Infinity;
  /** Whether the last verdict refused the client because of its certification path: another path may pass. */
  mayHaveOtherPath: boolean = false;
  /** The server name of the handshake, if it has its own certificate, CAs or CRLs; otherwise `undefined`. */
  readonly name: string | undefined;
  readonly isForwarded: boolean = false;
  readonly role: ConnectionRole;
  readonly #since: number;
  readonly #keeper: Keeper;
  readonly #socket: Socket;
  readonly #peer: ReadPeer | undefined;
  #generation = 0;
  // Read when first needed: each costs a system call or a call to OpenSSL, and many connections are never reported.
  #identity: ClientIdentity | undefined;
  #remoteAddress: string | undefined;
  /** The certificate policies of its certification path; `undefined` until it is admitted. */
  #policies: readonly string[] | undefined;
  /** Why it was refused or ended. */
  #refusal: Refusal | undefined;
  #mayBeClients: boolean;
  #isOfProxy: boolean;

  constructor(
    keeper: Keeper,
    socket: Socket,
    peer: ReadPeer | undefined,
    { role = 'client', refusal }: { readonly role?: ConnectionRole; readonly refusal?: Refusal } = {},
  ) {
    this.role = role;
    this.#mayBeClients = role === 'client' || role === 'unknown';
    this.#isOfProxy = role === 'proxy';
    this.#since = keeper.now();
    this.#keeper = keeper;
    this.#socket = socket;
    this.#peer = peer;
    // `false` if the client sent none.
    const { servername } = socket as { readonly servername?: string | false | null };
    this.name = typeof servername === 'string' ? keeper.names?.find(servername) : undefined;
    this.#refusal = refusal;
  }

  /** When the client was admitted. */
  get since(): Date {
    return new Date(this.#since);
  }

  /** `undefined` for a caller without a certificate, and for a proxy, whose requests have their own identities. */
  get identity(): ClientIdentity | undefined {
    return this.#mayBeClients ? this.reported : undefined;
  }

  /** Whether it may be a client's. */
  get mayBeClients(): boolean {
    return this.#mayBeClients;
  }

  /** Records that a proxy has sent a request on it. From then on it is not a client's. */
  attributeToProxy(): void {
    this.#mayBeClients = false;
    this.#isOfProxy = true;
  }

  /** Whether it is known to be a proxy's. */
  get isOfProxy(): boolean {
    return this.#isOfProxy;
  }

  /** The identity in the certificate, including that of a proxy. */
  get reported(): ClientIdentity | undefined {
    // With a certificate it is a TLS socket.
    return (this.#identity ??=
      this.#peer && identityOn(this.#socket as TLSSocket, this.#peer, this.#policies));
  }

  /** The intermediates that the client sent, if they were needed, in DER. */
  get intermediates(): readonly Buffer[] {
    return intermediatesOf(this.#peer);
  }

  /** Whether its requests may have connections of their own. */
  get mayForward(): boolean {
    return this.role !== 'client';
  }

  /** The address of the client; see {@link remoteAddressOf}. */
  get remoteAddress(): string {
    return (this.#remoteAddress ??= remoteAddressOf(this.#socket));
  }

  /** Where events about its requests are reported. */
  get reporter(): GateReporter {
    return this.#keeper.reporter;
  }

  /** Reads what reports need from the socket while it is open: a closed socket has no address. */
  recall(): void {
    this.#identity ??= this.reported;
    this.#remoteAddress ??= this.remoteAddress;
  }

  /** Judges the client again: in O(1) as long as nothing was reloaded and no date has passed. */
  check(): Refusal | undefined {
    if (this.#refusal !== undefined || this.#peer === undefined) return this.#refusal;
    this.#keeper.catchUp();
    return this.checkAt(this.#keeper.now());
  }

  /** Does the same for a caller that has called `catchUp()` and then read the clock. */
  checkAt(now: number): Refusal | undefined {
    if (this.#refusal !== undefined || this.#peer === undefined) return this.#refusal;
    const isCurrent = this.#generation === this.#keeper.judges?.generation && now < this.until;
    // OpenSSL's result was used at the handshake. A path that has been lost since then is detected here.
    return isCurrent ? undefined : this.judge('not-asked');
  }

  /** Judges the client by the CAs and CRLs in force. If judging itself fails, the client is refused. */
  judge(openssl: OpensslVerdict): Refusal | undefined {
    const { judges, now } = this.#keeper;
    if (judges === undefined || this.#peer === undefined)
      return refuse('untrusted', 'no CAs and CRLs are in force yet');
    let verdict: Verdict;
    try {
      const judge = this.role === 'proxy' ? judges.ofProxies : judges.of(this.name);
      if (judge === undefined) return refuse('not-a-proxy', 'no CA for proxies is in force');
      verdict = judge.verdictOn(this.#peer, openssl, new Date(now()));
    } catch (error) {
      return this.#keeper.failed(error);
    }
    if (verdict.wanted.length > 0)
      this.#keeper.want(verdict.wanted, { name: this.name, isProxy: this.role === 'proxy' });
    if (!verdict.admitted) {
      this.mayHaveOtherPath = verdict.isOfPath;
      return verdict.refusal;
    }
    if (!isSamePolicies((this.#policies ??= verdict.policies), verdict.policies)) return policiesChanged;
    this.#generation = judges.generation;
    this.until = verdict.until;
    return undefined;
  }

  /** Whether a host belongs to the server name of the handshake, by whose CAs and CRLs the client was judged. */
  serves(host: string): boolean {
    const { names } = this.#keeper;
    return names?.find(host) === this.name;
  }

  /** Whether the host of each request matters. */
  get isNamed(): boolean {
    return this.#keeper.names !== undefined;
  }

  /**
   * Stops reading from the connection, which will be ended. The request guard keeps from handlers what was read before,
   * and what an HTTP parser or an HTTP/2 session reads from the underlying handle.
   * @returns Whether this call stopped it, and not an earlier one.
   */
  condemn(refusal: Refusal): boolean {
    // A connection that was refused from the start has been reported.
    if (this.#socket.destroyed || this.#refusal !== undefined) return false;
    this.recall();
    this.#refusal = endedFor(refusal);
    this.#socket.pause();
    return true;
  }

  /** Closes the connection. */
  end(): void {
    endSocket(this.#socket);
  }

  /** Ends the connection and reports the eviction. */
  evict(refusal: Refusal): void {
    const isFirst = this.condemn(refusal);
    this.end();
    if (isFirst) this.#keeper.reportEviction(this, refusal);
  }
}

/** Closes a socket. */
export function endSocket(socket: Duplex): void {
  if (socket.destroyed) return;
  socket.destroy();
  // A WebSocket reads what is left in the socket when it closes.
  if (socket.readableFlowing !== null) while (socket.read() !== null);
}

/** A handler may have relied on the earlier policies, and the identity of a connection never changes. */
export const policiesChanged: Refusal = refuse(
  'not-permitted',
  'the certificate policies of its certification path have changed; the client may connect again',
);

/** Whether two lists of certificate policies are the same. */
export function isSamePolicies(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((policy) => other.includes(policy)));
}
