/**
 * A client behind proxies, and what its requests share: a new request costs no judgement, and rules find their results
 * by the identity.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { type ReadPeer } from './peer.js';

/** A verdict that admitted a client, and the period and the generation of the judges for which it is valid. */
export interface ForwardedAdmission {
  readonly generation: number;
  /** Milliseconds since 1970. It has a start because the clock may be set back. */
  readonly from: number;
  readonly until: number;
  /** The certificate policies for which the path is valid. */
  readonly policies: readonly string[];
  /** The URIs of the CRLs that would cover certificates of the path which the policy admits without. */
  readonly wanted: readonly string[];
}

/** A client behind proxies. */
export class ForwardedClient {
  readonly peer: ReadPeer;
  #admission: ForwardedAdmission | undefined;
  #identity: ClientIdentity | undefined;

  constructor(peer: ReadPeer) {
    this.peer = peer;
  }

  /** The last verdict, if it is valid at a time under a generation of judges. */
  admissionAt(now: number, generation: number): ForwardedAdmission | undefined {
    const last = this.#admission;
    return last?.generation === generation && last.from <= now && now < last.until ? last : undefined;
  }

  /** Remembers a verdict, and returns it. */
  admit(admission: ForwardedAdmission): ForwardedAdmission {
    this.#admission = admission;
    return admission;
  }

  /** The identity on a connection: the same object for the same proxy and policies. */
  identityThrough(via: ClientIdentity | undefined, policies: readonly string[]): ClientIdentity {
    const last = this.#identity;
    if (last !== undefined && last.via === via && last.policies === policies) return last;
    const { identity } = this.peer;
    const through = { source: 'proxy', via, ...identity, policies, resumed: false } as const;
    return (this.#identity = Object.freeze(through));
  }
}
