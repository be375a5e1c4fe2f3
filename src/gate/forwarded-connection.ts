/**
 * What a client has open through a proxy: one request, stream or upgraded socket,
 * judged like a connection of its own. The proxy's connection stays when it ends.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Verdict } from '../judgement/judges.js';
import { endedFor, type Refusal, refuse } from '../judgement/refusal.js';
import { type KeptConnection } from './connection.js';
import { type GateReporter } from './events.js';
import { isSamePolicies, type Keeper, policiesChanged } from './gated-connection.js';
import { intermediatesOf, type ReadPeer } from './peer.js';

/** What carries a request through a proxy's connection, and how it is ended without the others. */
export interface Exchange {
  /** Whether it has ended. */
  readonly isOver: boolean;
  /** Stops reading. */
  pause(): void;
  end(): void;
  /** Calls `listener` when it has ended. */
  onEnd(listener: () => void): void;
}

/** From where a request came. */
export interface Origin {
  /** The proxy's own connection. */
  readonly proxy: Pick<KeptConnection, 'check' | 'reported'>;
  /** The address of the client, if the proxy says it, or else the proxy's. */
  readonly remoteAddress: string;
}

const noPolicies: readonly string[] = Object.freeze([]);

/** A client behind a proxy. */
export class ForwardedConnection implements KeptConnection {
  /** Until when the last judgement holds if nothing is reloaded, in milliseconds since 1970. */
  until: number = -Infinity;
  readonly isForwarded: boolean = true;
  /** On an upgraded socket, which is its client's: a request that came before it is another's. */
  readonly mayForward: boolean = true;
  /** No two names of a server have policies of their own behind proxies. */
  readonly isNamed: boolean = false;
  readonly remoteAddress: string;
  readonly #since: number;
  readonly #keeper: Keeper;
  readonly #proxy: Origin['proxy'];
  readonly #exchange: Exchange;
  readonly #peer: ReadPeer | undefined;
  #generation = 0;
  #policies: readonly string[] | undefined;
  #identity: ClientIdentity | undefined;
  #refusal: Refusal | undefined;

  /**
   * @param peer - `undefined`: a caller without a certificate.
   * @param refusal - Why it is refused already.
   */
  constructor(
    keeper: Keeper,
    { proxy, remoteAddress }: Origin,
    exchange: Exchange,
    peer: ReadPeer | undefined,
    refusal?: Refusal,
  ) {
    this.#since = keeper.now();
    this.#keeper = keeper;
    this.#proxy = proxy;
    this.#exchange = exchange;
    this.#peer = peer;
    this.remoteAddress = remoteAddress;
    this.#refusal = refusal;
    if (peer === undefined) this.until = Infinity;
  }

  /** When the request came. */
  get since(): Date {
    return new Date(this.#since);
  }

  /** `undefined`: an anonymous caller. */
  get identity(): ClientIdentity | undefined {
    const { reported: via } = this.#proxy;
    return (this.#identity ??=
      this.#peer && forwardedIdentity(this.#peer, via, this.#policies ?? noPolicies));
  }

  /** The same as {@link ForwardedConnection.identity}. */
  get reported(): ClientIdentity | undefined {
    return this.identity;
  }

  /** What the proxy forwarded above its certificate. */
  get intermediates(): readonly Buffer[] {
    return intermediatesOf(this.#peer);
  }

  /** Where what becomes of it is reported. */
  get reporter(): GateReporter {
    return this.#keeper.reporter;
  }

  /** What a report needs was read from the header. */
  recall(): void {
    // Nothing of it is the socket's.
  }

  /** Judges again: in O(1) as long as nothing was reloaded and no date has passed. */
  check(): Refusal | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    const ofProxy = this.#proxy.check();
    if (ofProxy !== undefined) return proxyRefused;
    if (this.#peer === undefined) return undefined;
    this.#keeper.catchUp();
    const isCurrent = this.#generation === this.#keeper.judges?.generation && this.#keeper.now() < this.until;
    return isCurrent ? undefined : this.judge().refusal;
  }

  /**
   * Judges the client by what is in force: by the path of this package alone, for OpenSSL has not seen it.
   * @returns Why it is refused, and how many signatures were verified in vain.
   */
  judge(): { readonly refusal: Refusal | undefined; readonly failedSignatures: number } {
    const { judges, now } = this.#keeper;
    if (judges === undefined || this.#peer === undefined)
      return { refusal: refuse('untrusted', 'there is nothing to judge by'), failedSignatures: 0 };
    let verdict: Verdict;
    try {
      verdict = judges.of(undefined).verdictOn(this.#peer, 'not-asked', new Date(now()));
    } catch (error) {
      return { refusal: this.#keeper.failed(error), failedSignatures: 0 };
    }
    if (verdict.wanted.length > 0) this.#keeper.want(verdict.wanted, { name: undefined, isProxy: false });
    if (!verdict.admitted) return verdict;
    if (!isSamePolicies((this.#policies ??= verdict.policies), verdict.policies))
      return { refusal: policiesChanged, failedSignatures: 0 };
    this.#generation = judges.generation;
    this.until = verdict.until;
    return { refusal: undefined, failedSignatures: 0 };
  }

  /** Every host is under the one policy that there is. */
  serves(): boolean {
    return true;
  }

  /** Stops reading what the client sends; returns whether this call did. */
  condemn(refusal: Refusal): boolean {
    if (this.#exchange.isOver || this.#refusal !== undefined) return false;
    this.#identity ??= this.identity;
    this.#refusal = endedFor(refusal);
    this.#exchange.pause();
    return true;
  }

  /** Ends what the client has open, and nothing that others have. */
  end(): void {
    if (!this.#exchange.isOver) this.#exchange.end();
  }

  /** Ends it, and reports it. */
  evict(refusal: Refusal): void {
    const isFirst = this.condemn(refusal);
    this.end();
    if (isFirst) this.#keeper.reportEviction(this, refusal);
  }
}

const proxyRefused = refuse('not-a-proxy', 'the proxy that it came through is refused');

/** One identity for each client and proxy: rules remember what they said of it. */
const identities = new WeakMap<ReadPeer, ClientIdentity>();

function forwardedIdentity(
  peer: ReadPeer,
  via: ClientIdentity | undefined,
  policies: readonly string[],
): ClientIdentity {
  const known = identities.get(peer);
  if (known?.via === via && known?.policies === policies) return known;
  const identity: ClientIdentity = Object.freeze({
    source: 'proxy',
    via,
    ...peer.identity,
    policies,
    resumed: false,
  });
  identities.set(peer, identity);
  return identity;
}
