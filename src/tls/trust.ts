/**
 * What clients are judged by at one time: the material in force and its number.
 * A commit replaces the whole of it; nothing edits it.
 *
 * @module
 */
import { type CompleteCertificatePolicy } from '../policies.js';
import { type CertificateChain } from '../x509/certificate-store.js';
import { type Findings, inspect, judge, type OpensslVerdict, type Verdict } from './judgement.js';
import { type Material } from './material.js';
import { type Peer } from './peer.js';

/** The material in force. */
export interface Trust {
  readonly material: Material;
  /** Counts commits: a connection judged under another generation is judged again. */
  readonly generation: number;
  /** Judges a client by this material. */
  judge(peer: Peer, openssl: OpensslVerdict, at: Date): Verdict;
  /** Says all that there is to say of a client, by this material. OpenSSL is not asked. */
  inspect(peer: Peer, at: Date): Inspection;
}

/** What the checks say of a certificate, and the chain that they went by. */
export interface Inspection extends Findings {
  readonly chain: CertificateChain | undefined;
}

/** Puts material into force. */
export function createTrust(
  material: Material,
  certificates: CompleteCertificatePolicy,
  generation: number,
): Trust {
  const { store, revocation } = material;
  const measures = { revocation, certificates };
  return Object.freeze({
    material,
    generation,
    judge({ certificate, others }: Peer, openssl: OpensslVerdict, at: Date) {
      const chain = store.chainOf(certificate, others, at);
      return judge({ certificate, chain, openssl }, measures, at);
    },
    inspect({ certificate, others }: Peer, at: Date) {
      const chain = store.chainOf(certificate, others, at);
      return { chain, ...inspect({ certificate, chain, openssl: 'not-asked' }, measures, at) };
    },
  });
}
