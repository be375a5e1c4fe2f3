/**
 * What a TLS socket says of its peer, read once.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type CertificateIdentity, identityOf } from '../identity/client-identity.js';
import { type Certificate, parseCertificate } from '../x509/certificate.js';
import { type OpensslVerdict } from './judgement.js';

/** A certificate that was presented, read. */
export interface Peer {
  readonly certificate: Certificate;
  readonly identity: CertificateIdentity;
  /** What the client sent beside its certificate. A resumed session shows none; see {@link PeerCache}. */
  readonly others: readonly Certificate[];
}

/** Reads peers, and remembers by fingerprint what their full handshakes showed. */
export class PeerCache {
  readonly #peers = new Map<string, Peer>();
  readonly #capacity: number;

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  /**
   * Reads a socket's peer. Only to be called once for a socket: node:tls hands the chain out only once.
   * @returns `undefined` where there is no certificate; the error where there is one that cannot be read.
   */
  read(socket: TLSSocket): Peer | MtlsError | undefined {
    const leaf = socket.getPeerX509Certificate();
    if (leaf === undefined || leaf.raw.length === 0) return undefined;
    const known = this.#peers.get(leaf.fingerprint256);
    try {
      return known !== undefined && showsNothingNew(leaf, known) ? known : parsePeer(leaf);
    } catch (error) {
      if (error instanceof MtlsError) return error;
      throw error;
    }
  }

  /** Remembers a peer that was let in: whoever is refused gets no memory. The one seen longest ago goes first. */
  remember(peer: Peer): void {
    const { fingerprint256 } = peer.identity;
    this.#peers.delete(fingerprint256);
    this.#peers.set(fingerprint256, peer);
    if (this.#peers.size <= this.#capacity) return;
    const [oldest] = this.#peers.keys();
    if (oldest !== undefined) this.#peers.delete(oldest);
  }
}

/** Whether a handshake shows no other intermediates than one before did. A resumed session shows none at all. */
function showsNothingNew({ issuerCertificate }: X509Certificate, { others }: Peer): boolean {
  let above = issuerCertificate;
  for (const known of above === undefined ? [] : others) {
    if (above?.raw.equals(known.raw) !== true) return false;
    above = above.issuerCertificate;
  }
  return above === undefined || others.length === maxOthers;
}

/** How many intermediates of a client are looked at: real chains have one or two, and each may have to be compared with each. */
export const maxOthers = 5;

function parsePeer(leaf: X509Certificate): Peer {
  const certificate = parseCertificate(leaf.raw);
  const others: Certificate[] = [];
  let above = leaf.issuerCertificate;
  while (above !== undefined && others.length < maxOthers) {
    others.push(parseCertificate(above.raw));
    above = above.issuerCertificate;
  }
  return Object.freeze({ certificate, identity: identityOf(certificate), others: Object.freeze(others) });
}

/** What OpenSSL says of a socket's peer. */
export function opensslVerdictOn(socket: TLSSocket): OpensslVerdict {
  // Typed as Error, it is a string on the server's side; `authorized` alone has been seen to lie.
  const error = socket.authorizationError as Error | string | null | undefined;
  if (typeof error === 'object' && error !== null) return { error: error.message };
  if (typeof error === 'string' && error !== '') return { error };
  return socket.authorized ? 'trusted' : { error: 'UNAUTHORIZED' };
}
