/**
 * A request, stream or upgraded socket of a client behind a proxy, judged like a separate connection. The proxy's own
 * connection stays open when it ends.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Judges, type Verdict } from '../judgement/judges.js';
import { endedFor, type Refusal, refuse } from '../judgement/refusal.js';
import { type KeptConnection } from './connection.js';
import { type GateReporter } from './events.js';
import { type ForwardedAdmission, type ForwardedClient } from './forwarded-client.js';
import { isSamePolicies, type Keeper, policiesChanged } from './gated-connection.js';
import { intermediatesOf, type ReadPeer } from './peer.js';

/** A request, stream or upgrade on a proxy's connection, which can be ended without the others. */
export interface Exchange {
  /** Whether it has ended. */
  readonly isOver: boolean;
  /** Stops reading from the client. */
  pause(): void;
  end(): void;
  /** Calls `listener` when it has ended. */
  onEnd(listener: () => void): void;
}

/** The connection of a proxy. */
export interface ProxyConnection {
  /** Judges the proxy again, for a caller that has called `catchUp()` and then read the clock. */
  checkAt(now: number): Refusal | undefined;
  /** The identity of the proxy, if its connection has a certificate. */
  readonly reported: ClientIdentity | undefined;
}

/** The origin of a request. */
export interface Origin {
  readonly proxy: ProxyConnection;
  /** The address of the client, if the proxy forwards it; otherwise the proxy's. */
  readonly remoteAddress: string;
}

/** Why a client is refused, if it is, and how many signatures did not verify. */
interface ForwardedVerdict {
  readonly refusal: Refusal | undefined;
  readonly failedSignatures: number;
}

const admitted: ForwardedVerdict = Object.freeze({ refusal: undefined, failedSignatures: 0 });
const noPolicies: readonly string[] = Object.freeze([]);

/** A client behind a proxy. */
export class ForwardedConnection implements KeptConnection {
  /** Until when the last verdict is valid if nothing is reloaded, in milliseconds since 1970. */
  until: number = -Infinity;
  readonly isForwarded: boolean = true;
  /** An upgraded socket belongs to this client, but an earlier request on it may belong to another. */
  readonly mayForward: boolean = true;
  readonly isOfProxy: boolean = false;
  /** `sni` and `proxies` cannot be combined, so there is only one set of CAs and CRLs. */
  readonly isNamed: boolean = false;
  readonly remoteAddress: string;
  readonly #since: number;
  readonly #keeper: Keeper;
  readonly #proxy: Origin['proxy'];
  readonly #exchange: Exchange;
  readonly #client: ForwardedClient | undefined;
  #generation = 0;
  #policies: readonly string[] | undefined;
  #identity: ClientIdentity | undefined;
  #refusal: Refusal | undefined;

  /**
   * @param client - `undefined` for a caller without a certificate.
   * @param refusal - Set if the client has already been refused.
   */
  constructor(
    keeper: Keeper,
    { proxy, remoteAddress }: Origin,
    exchange: Exchange,
    client: ForwardedClient | undefined,
    refusal?: Refusal,
  ) {
    this.#since = keeper.now();
    this.#keeper = keeper;
    this.#proxy = proxy;
    this.#exchange = exchange;
    this.#client = client;
    this.remoteAddress = remoteAddress;
    this.#refusal = refusal;
    if (client === undefined) this.until = Infinity;
  }

  /** When the request arrived. */
  get since(): Date {
    return new Date(this.#since);
  }

  /** `undefined` for a caller without a certificate. */
  get identity(): ClientIdentity | undefined {
    return (this.#identity ??= this.#client?.identityThrough(
      this.#proxy.reported,
      this.#policies ?? noPolicies,
    ));
  }

  /** The same as {@link ForwardedConnection.identity}. */
  get reported(): ClientIdentity | undefined {
    return this.identity;
  }

  /** The intermediates that the proxy forwarded, in DER. */
  get intermediates(): readonly Buffer[] {
    return intermediatesOf(this.#client?.peer);
  }

  /** Where events about the request are reported. */
  get reporter(): GateReporter {
    return this.#keeper.reporter;
  }

  /** Does nothing: reports need nothing from the socket. */
  recall(): void {
    // The identity and the address were read from headers.
  }

  /** Judges the client again: in O(1) as long as nothing was reloaded and no date has passed. */
  check(): Refusal | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    this.#keeper.catchUp();
    const now = this.#keeper.now();
    if (this.#proxy.checkAt(now) !== undefined) return proxyRefused;
    if (this.#client === undefined) return undefined;
    const isCurrent = this.#generation === this.#keeper.judges?.generation && now < this.until;
    return isCurrent ? undefined : this.#judgeAt(now).refusal;
  }

  /**
   * Judges the client by the CAs and CRLs in force. Only this package's checks decide, because OpenSSL has not seen the
   * certificate.
   * @returns Why the client is refused, and how many signatures did not verify.
   */
  judge(): ForwardedVerdict {
    return this.#judgeAt(this.#keeper.now());
  }

  #judgeAt(now: number): ForwardedVerdict {
    const { judges } = this.#keeper;
    if (judges === undefined || this.#client === undefined)
      return { refusal: refuse('untrusted', 'no CAs and CRLs are in force yet'), failedSignatures: 0 };
    const admission =
      this.#client.admissionAt(now, judges.generation) ?? this.#admit(this.#client, judges, now);
    if ('refusal' in admission) return admission;
    this.#want(admission.wanted);
    if (!isSamePolicies((this.#policies ??= admission.policies), admission.policies))
      return { refusal: policiesChanged, failedSignatures: 0 };
    this.#generation = judges.generation;
    this.until = admission.until;
    return admitted;
  }

  #admit(client: ForwardedClient, judges: Judges, now: number): ForwardedAdmission | ForwardedVerdict {
    let verdict: Verdict;
    try {
      verdict = judges.of(undefined).verdictOn(client.peer, 'not-asked', new Date(now));
    } catch (error) {
      return { refusal: this.#keeper.failed(error), failedSignatures: 0 };
    }
    if (verdict.admitted) return client.admit({ ...verdict, generation: judges.generation, from: now });
    this.#want(verdict.wanted);
    return { ...verdict, refusal: withRemedy(verdict.refusal, client.peer) };
  }

  #want(uris: readonly string[]): void {
    if (uris.length > 0) this.#keeper.want(uris, { name: undefined, isProxy: false });
  }

  /** Every host has the same CAs and CRLs. */
  serves(): boolean {
    return true;
  }

  /** Stops reading what the client sends; returns whether this call stopped it, and not an earlier one. */
  condemn(refusal: Refusal): boolean {
    if (this.#exchange.isOver || this.#refusal !== undefined) return false;
    this.#identity ??= this.identity;
    this.#refusal = endedFor(refusal);
    this.#exchange.pause();
    return true;
  }

  /** Ends this request, stream or socket, and no others. */
  end(): void {
    if (!this.#exchange.isOver) this.#exchange.end();
  }

  /** Ends it and reports the eviction. */
  evict(refusal: Refusal): void {
    const isFirst = this.condemn(refusal);
    this.end();
    if (isFirst) this.#keeper.reportEviction(this, refusal);
  }
}

/** Some proxies send no chain, or none on a resumed session. */
function withRemedy(refusal: Refusal, { others }: ReadPeer): Refusal {
  if (refusal.reason !== 'untrusted' || refusal.remedy !== undefined || others.length > 0) return refusal;
  return refuse('untrusted', refusal.detail, {
    remedy: 'the proxy sent no chain: if an intermediate is missing, add it to options.ca',
  });
}

const proxyRefused = refuse('not-a-proxy', 'the proxy that the request came through is refused');
