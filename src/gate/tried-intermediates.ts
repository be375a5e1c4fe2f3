/**
 * Clients that were refused although their intermediates were read: it is not done again for the same answer.
 *
 * @module
 */
import { type Refusal } from '../judgement/refusal.js';
import { type ReadPeer } from './peer.js';
import { WeightedCache } from './weighted-cache.js';

const limits = { entries: 10_000, bytes: 10_000 * 1024 } as const;
// An intermediate can expire, and the client send another one.
const lifetimeMs = 3_600_000;

interface Tried {
  readonly refusal: Refusal;
  readonly generation: number;
  /** By performance.now(). */
  readonly at: number;
}

/** What a client was judged by. */
export interface Judging {
  readonly generation: number;
  /** Which of the names that have something of their own; `undefined`: none. */
  readonly name: string | undefined;
}

/** Remembers refusals by certificate and name, for an hour and as long as nothing is reloaded. */
export class TriedIntermediates {
  readonly #tried = new WeightedCache<string, Tried>(limits);

  /** The refusal of a peer whose intermediates were read under the same generation and name. */
  find(peer: ReadPeer, { generation, name }: Judging): Refusal | undefined {
    const tried = this.#tried.get(keyOf(peer, name));
    const holds = tried?.generation === generation && performance.now() - tried.at < lifetimeMs;
    return holds ? tried.refusal : undefined;
  }

  /** Remembers a refusal. */
  add(peer: ReadPeer, { generation, name }: Judging, refusal: Refusal): void {
    this.#tried.put(keyOf(peer, name), { refusal, generation, at: performance.now() }, 1024);
  }
}

function keyOf({ identity }: ReadPeer, name = ''): string {
  return `${identity.thumbprint} ${name}`;
}
