/**
 * What clients are judged by at one time: the material in force and its number.
 * A commit replaces the whole of it; nothing edits it.
 *
 * @module
 */
import { judge, type OpensslVerdict, type Verdict } from './judgement.js';
import { type Material } from './material.js';
import { type Peer } from './peer.js';

/** The material in force. */
export interface Trust {
  readonly material: Material;
  /** Counts commits: a connection judged under another generation is judged again. */
  readonly generation: number;
  /** Judges a client by this material. */
  judge(peer: Peer, openssl: OpensslVerdict, at: Date): Verdict;
}

/** Puts material into force. */
export function createTrust(material: Material, generation: number): Trust {
  const { store, revocation } = material;
  return Object.freeze({
    material,
    generation,
    judge({ certificate, others }: Peer, openssl: OpensslVerdict, at: Date) {
      const chain = store.chainOf(certificate, others, at);
      return judge({ certificate, chain, openssl }, revocation, at);
    },
  });
}
