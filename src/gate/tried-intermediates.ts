/**
 * Remembers clients that were refused after their intermediates were read, so that this expensive step is not
 * repeated.
 *
 * @module
 */
import { type Refusal } from '../judgement/refusal.js';
import { type ReadPeer } from './peer.js';
import { WeightedCache } from './weighted-cache.js';

const limits = { entries: 10_000, bytes: 10_000 * 1024 } as const;
// The client may send another intermediate later.
const lifetimeMs = 3_600_000;

interface Tried {
  readonly refusal: Refusal;
  readonly generation: number;
  /** By performance.now(). */
  readonly at: number;
}

/** The generation and the name by which a client was judged. */
export interface Judging {
  readonly generation: number;
  /** The server name, if it has its own certificate, CAs or CRLs; otherwise `undefined`. */
  readonly name: string | undefined;
}

/** Remembers refusals by certificate and name, for an hour or until a reload. */
export class TriedIntermediates {
  readonly #tried = new WeightedCache<string, Tried>(limits);

  /** Returns the refusal of a peer whose intermediates were read under the same generation and name. */
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
