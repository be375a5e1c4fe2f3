/**
 * A connection under the gate's judgement: judged when it is admitted, and again
 * whenever something was reloaded or a date has passed.
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

/** What a connection needs of its gate. */
export interface Keeper {
  readonly judges: Judges | undefined;
  readonly now: () => number;
  /** The names that have something of their own; `undefined` where there are none. */
  readonly names: ServerNames | undefined;
  readonly reporter: GateReporter;
  /** Lets what has changed come into force before a client is judged. */
  catchUp(): void;
  /** Passes on the distribution points of a client that no CRL covers. */
  want(uris: readonly string[], owner: TrustOwner): void;
  /** Reports that a connection was closed. */
  reportEviction(connection: KeptConnection, refusal: Refusal): void;
  /** Reports that judging failed, and refuses. */
  failed(error: unknown): Refusal;
}

/** Whose connection it is. `'unknown'`: its requests say, by a secret or the address they come from. */
export type ConnectionRole = 'client' | 'proxy' | 'unknown';

/** A connection that stands under the gate's judgement. */
export class GatedConnection implements KeptConnection {
  /** Until when the last judgement holds if nothing is reloaded, in milliseconds since 1970. */
  until: number = Infinity;
  /** Whether the last judgement refused for the sake of the CAs above the client: another may lead elsewhere. */
  mayHaveOtherPath: boolean = false;
  /** Which of the names that have something of their own the client asked for; `undefined`: none. */
  readonly name: string | undefined;
  readonly isForwarded: boolean = false;
  readonly role: ConnectionRole;
  readonly #since: number;
  readonly #keeper: Keeper;
  readonly #socket: Socket;
  readonly #peer: ReadPeer | undefined;
  #generation = 0;
  // Read when first needed: each takes a system call or a call to OpenSSL, and many connections are never reported.
  #identity: ClientIdentity | undefined;
  #remoteAddress: string | undefined;
  /** The certificate policies of its path; `undefined` until it was admitted. */
  #policies: readonly string[] | undefined;
  /** Why it was refused or ended. */
  #refusal: Refusal | undefined;

  constructor(
    keeper: Keeper,
    socket: Socket,
    peer: ReadPeer | undefined,
    { role = 'client', refusal }: { readonly role?: ConnectionRole; readonly refusal?: Refusal } = {},
  ) {
    this.role = role;
    this.#since = keeper.now();
    this.#keeper = keeper;
    this.#socket = socket;
    this.#peer = peer;
    // `false` where the client sent none.
    const { servername } = socket as { readonly servername?: string | false | null };
    this.name = typeof servername === 'string' ? keeper.names?.find(servername) : undefined;
    this.#refusal = refusal;
  }

  /** When the client was admitted. */
  get since(): Date {
    return new Date(this.#since);
  }

  /** `undefined`: an anonymous caller, or a proxy: its requests have identities of their own. */
  get identity(): ClientIdentity | undefined {
    return this.role === 'proxy' ? undefined : this.reported;
  }

  /** Whose certificate it is, a proxy's too. */
  get reported(): ClientIdentity | undefined {
    // With a certificate it is a TLS socket.
    return (this.#identity ??=
      this.#peer && identityOn(this.#socket as TLSSocket, this.#peer, this.#policies));
  }

  /** What the client sent beside its certificate, where that was needed. */
  get intermediates(): readonly Buffer[] {
    return intermediatesOf(this.#peer);
  }

  /** Whether its requests may have connections of their own. */
  get mayForward(): boolean {
    return this.role !== 'client';
  }

  /** Where the client is; see {@link remoteAddressOf}. */
  get remoteAddress(): string {
    return (this.#remoteAddress ??= remoteAddressOf(this.#socket));
  }

  /** Where what becomes of its requests is reported. */
  get reporter(): GateReporter {
    return this.#keeper.reporter;
  }

  /** Reads now what a report needs of the socket: a closed one has no address. */
  recall(): void {
    this.#identity ??= this.reported;
    this.#remoteAddress ??= this.remoteAddress;
  }

  /** Judges again: in O(1) as long as nothing was reloaded and no date has passed. */
  check(): Refusal | undefined {
    if (this.#refusal !== undefined || this.#peer === undefined) return this.#refusal;
    this.#keeper.catchUp();
    const isCurrent = this.#generation === this.#keeper.judges?.generation && this.#keeper.now() < this.until;
    // What OpenSSL found was found at the handshake; a chain that is gone since is found by judging again.
    return isCurrent ? undefined : this.judge('not-asked');
  }

  /** Judges the client by what is in force. If that fails, the client is refused. */
  judge(openssl: OpensslVerdict): Refusal | undefined {
    const { judges, now } = this.#keeper;
    if (judges === undefined || this.#peer === undefined)
      return refuse('untrusted', 'there is nothing to judge by');
    let verdict: Verdict;
    try {
      const judge = this.role === 'proxy' ? judges.ofProxies : judges.of(this.name);
      if (judge === undefined) return refuse('not-a-proxy', "no certificate is a proxy's any more");
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

  /** Whether a host is of the name that the client asked for in the handshake, and so of the policy it was judged by. */
  serves(host: string): boolean {
    const { names } = this.#keeper;
    return names?.find(host) === this.name;
  }

  /** Whether it matters which host a request names. */
  get isNamed(): boolean {
    return this.#keeper.names !== undefined;
  }

  /**
   * Stops reading from the connection, which is to be ended. What has been read already, and what an HTTP parser or an
   * HTTP/2 session reads from below the socket, the request guard keeps from handlers.
   * @returns Whether this call is the one that did.
   */
  condemn(refusal: Refusal): boolean {
    // One that was refused from the start has been reported.
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

  /** Ends the connection, and reports it. */
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

/** A handler may have decided by the policies that it was shown; the identity of a connection never changes. */
export const policiesChanged: Refusal = refuse(
  'not-permitted',
  'the certificate policies that its path is valid for have changed; it may connect again',
);

/** Whether two lists of certificate policies are the same. */
export function isSamePolicies(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((policy) => other.includes(policy)));
}
