/**
 * What a TLS socket says of its peer, read once.
 *
 * @module
 */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
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
  /** Intermediates, of which many clients have the same. */
  readonly #others = new Map<string, Certificate>();
  readonly #capacity: number;

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  /**
   * Reads a socket's peer. Not by getPeerX509Certificate(), which keeps some kilobytes for good at each call.
   * @returns `undefined` where there is no certificate; the error where there is one that cannot be read.
   */
  read(socket: TLSSocket): Peer | MtlsError | undefined {
    // null on a socket that is destroyed, and empty where there is no certificate.
    const leaf = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | null;
    if (leaf?.raw === undefined || leaf.fingerprint256 === undefined) return undefined;
    const shown = othersAbove(leaf as DetailedPeerCertificate);
    const known = this.#peers.get(leaf.fingerprint256);
    try {
      if (known?.certificate.raw.equals(leaf.raw) === true && showsNothingNew(shown, known)) return known;
      const certificate = parseCertificate(leaf.raw);
      const others = shown.map((other) => this.#readOther(other));
      return Object.freeze({ certificate, identity: identityOf(certificate), others: Object.freeze(others) });
    } catch (error) {
      if (error instanceof MtlsError) return error;
      throw error;
    }
  }

  #readOther({ raw, fingerprint256 }: DetailedPeerCertificate): Certificate {
    const known = this.#others.get(fingerprint256);
    if (known?.raw.equals(raw) === true) return known;
    const read = parseCertificate(raw);
    keep(this.#others, fingerprint256, read, mostOthers);
    return read;
  }

  /** Remembers a peer that was let in: whoever is refused gets no memory. The one seen longest ago goes first. */
  remember(peer: Peer): void {
    keep(this.#peers, peer.identity.fingerprint256, peer, this.#capacity);
  }

  /** Forgets a peer that is out for good. */
  forget({ fingerprint256 }: CertificateIdentity): void {
    this.#peers.delete(fingerprint256);
  }
}

const mostOthers = 1000;

function keep<Value>(map: Map<string, Value>, key: string, value: Value, capacity: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= capacity) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** How many intermediates of a client are looked at: real chains have one or two, and each may have to be compared with each. */
export const maxOthers = 5;

/** What was shown above a leaf, but for roots: only a configured one counts, and that is known. */
function othersAbove({ issuerCertificate }: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const others: DetailedPeerCertificate[] = [];
  let above = issuerCertificate as DetailedPeerCertificate | undefined;
  while (above?.raw !== undefined && above.issuerCertificate !== above && others.length < maxOthers) {
    others.push(above);
    above = above.issuerCertificate;
  }
  return others;
}

/** Whether a handshake shows no other intermediates than one before did. A resumed session shows none at all. */
function showsNothingNew(shown: readonly DetailedPeerCertificate[], { others }: Peer): boolean {
  if (shown.length === 0) return true;
  return (
    shown.length === others.length && shown.every(({ raw }, index) => others[index]?.raw.equals(raw) === true)
  );
}

/** What OpenSSL says of a socket's peer. */
export function opensslVerdictOn(socket: TLSSocket): OpensslVerdict {
  // Typed as Error, it is a string on the server's side; `authorized` alone has been seen to lie.
  const error = socket.authorizationError as Error | string | null | undefined;
  if (typeof error === 'object' && error !== null) return { error: error.message };
  if (typeof error === 'string' && error !== '') return { error };
  return socket.authorized ? 'trusted' : { error: 'UNAUTHORIZED' };
}
