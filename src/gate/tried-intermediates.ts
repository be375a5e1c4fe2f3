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

/** Remembers refusals by certificate, for an hour and as long as nothing is reloaded. */
export class TriedIntermediates {
  readonly #tried = new WeightedCache<string, Tried>(limits);

  /** The refusal of a peer whose intermediates were read under the same generation. */
  find({ identity }: ReadPeer, generation: number): Refusal | undefined {
    const tried = this.#tried.get(identity.thumbprint);
    const holds = tried?.generation === generation && performance.now() - tried.at < lifetimeMs;
    return holds ? tried.refusal : undefined;
  }

  /** Remembers a refusal. */
  add({ identity }: ReadPeer, generation: number, refusal: Refusal): void {
    this.#tried.put(identity.thumbprint, { refusal, generation, at: performance.now() }, 1024);
  }
}
