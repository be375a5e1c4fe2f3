/**
 * What a TLS socket says of its peer, read once.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type ForwardedCertificate } from '../forwarded/certificates.js';
import { type CertificateIdentity, type ClientIdentity, identityOf } from '../identity/client-identity.js';
import { type OpensslVerdict, refuseForOpenssl } from '../judgement/judgement.js';
import { maxOthers, type Peer } from '../judgement/peer.js';
import { type Refusal, refuse } from '../judgement/refusal.js';
import { type Certificate, parseCertificate } from '../x509/certificate.js';
import { withSessionCertificate } from './session-certificate.js';
import { WeightedCache } from './weighted-cache.js';

/** A peer that was read from a socket. */
export interface ReadPeer extends Peer {
  /** The identity on a connection with a full handshake, and on one that resumes a session: made when first asked for. */
  readonly identities: { full?: ClientIdentity; resumed?: ClientIdentity };
  /** About how many bytes all of it takes in memory. */
  readonly weight: number;
}

/**
 * What is read of a certificate that OpenSSL does not trust: anyone can make one. A certificate of AD CS has 2 kB and
 * some 150 elements; one with 92 kB of names would take tens of milliseconds.
 */
const strangers = { bytes: 16 * 1024, elements: 512 } as const;

/** As many clients as a server is likely to have, and not more of their certificates than a small heap can hold. */
const remembered = { entries: 10_000, bytes: 64 * 1024 * 1024 } as const;

/** Reads peers, and remembers those that were admitted, with what their full handshakes showed. */
export class PeerCache {
  readonly #peers: WeightedCache<number, ReadPeer>;
  readonly #intermediates: WeightedCache<number, Certificate>;

  constructor(limits: { readonly entries: number; readonly bytes: number } = remembered) {
    this.#peers = new WeightedCache(limits);
    this.#intermediates = new WeightedCache(limits);
  }

  /**
   * Reads a socket's peer.
   * @returns `undefined` where there is no certificate; the refusal where there is one that is not read.
   */
  read(socket: TLSSocket, openssl: OpensslVerdict): ReadPeer | Refusal | undefined {
    return withSessionCertificate(socket, (der) => {
      const known = this.#peers.get(keyOf(der));
      return known?.certificate.raw.equals(der) === true ? known : readPeer(der, openssl);
    });
  }

  /**
   * Reads what a peer sent beside its certificate in this handshake. It costs memory for good on some releases of Node:
   * not for a peer whose chain OpenSSL does not trust.
   */
  withIntermediates(socket: TLSSocket, peer: ReadPeer): ReadPeer | Refusal {
    try {
      const others = sentBeside(socket).map((der) => this.#readIntermediate(der));
      const weight = others.reduce((sum, { raw }) => sum + weightOfIntermediate(raw), peer.weight);
      return Object.freeze({ ...peer, others: Object.freeze(others), weight });
    } catch (error) {
      return refuseUnreadable(error);
    }
  }

  /** One that came with an admitted client before is the same object, whose signature is known. */
  #readIntermediate(der: Buffer): Certificate {
    const known = this.#intermediates.get(keyOf(der));
    return known?.raw.equals(der) === true ? known : parseCertificate(der);
  }

  /** Remembers a peer that was admitted. The one that was admitted longest ago goes first. */
  remember(peer: ReadPeer): void {
    this.#peers.put(keyOf(peer.certificate.raw), peer, peer.weight);
    for (const other of peer.others)
      this.#intermediates.put(keyOf(other.raw), other, weightOfIntermediate(other.raw));
  }

  /** Forgets a peer that will not be admitted again. */
  forget({ raw }: CertificateIdentity): void {
    this.#peers.delete(keyOf(raw));
  }
}

/** The end of a signature. It only finds a certificate: whether it is the same one, all of its bytes say. */
function keyOf(der: Buffer): number {
  const octets = Math.min(der.length, 6);
  return der.readUIntBE(der.length - octets, octets);
}

/** A memory of its own: a slice of Node's pool would keep the whole of that. */
function ownCopyOf(view: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(view.length);
  view.copy(own);
  return own;
}

function readPeer(view: Buffer, openssl: OpensslVerdict): ReadPeer | Refusal {
  const isStranger = typeof openssl === 'object';
  if (isStranger && view.length > strangers.bytes) {
    const { reason } = refuseForOpenssl(openssl.error);
    return refuse(
      reason,
      `OpenSSL says ${openssl.error}, and the certificate has ${view.length} bytes: of one that OpenSSL does not trust, at most ${strangers.bytes} are read`,
    );
  }
  const der = ownCopyOf(view);
  const elements = isStranger ? strangers.elements : der.length;
  const budget = { left: elements };
  try {
    const certificate = parseCertificate(der, budget);
    const identity = identityOf(certificate);
    return Object.freeze({
      certificate,
      identity,
      identities: {},
      others: Object.freeze([]),
      weight: weightOf(der, elements - budget.left),
    });
  } catch (error) {
    return refuseUnreadable(error);
  }
}

function sentBeside(socket: TLSSocket): Buffer[] {
  const ders: Buffer[] = [];
  let above: X509Certificate | undefined = socket.getPeerX509Certificate()?.issuerCertificate;
  for (; above !== undefined && ders.length < maxOthers; above = above.issuerCertificate)
    ders.push(above.raw);
  return ders;
}

/** About what a certificate takes once it is read: measured with many small names, where it is most. */
function weightOf(der: Buffer, elements: number): number {
  return 1024 + 2 * der.length + 100 * elements;
}

/** At most: an element has two bytes or more. */
function weightOfIntermediate(der: Buffer): number {
  return weightOf(der, der.length / 2);
}

function refuseUnreadable(error: unknown): Refusal {
  if (error instanceof MtlsError) return refuse('identity-invalid', error.seen, { remedy: error.remedy });
  throw error;
}

/** What OpenSSL says of a socket's peer. */
export function opensslVerdictOn(socket: TLSSocket): OpensslVerdict {
  // Typed as Error, it is a string on the server's side; `authorized` alone has been seen to lie.
  const error = socket.authorizationError as Error | string | null | undefined;
  if (typeof error === 'object' && error !== null) return { error: error.message };
  if (typeof error === 'string' && error !== '') return { error };
  return socket.authorized ? 'trusted' : { error: 'UNAUTHORIZED' };
}

const noPolicies: readonly string[] = Object.freeze([]);

/** The identity of a peer on this connection. @param policies - Those that its path is valid for. */
export function identityOn(
  socket: TLSSocket,
  { identity, identities }: ReadPeer,
  policies: readonly string[] = noPolicies,
): ClientIdentity {
  const resumed = socket.isSessionReused();
  const shown = (identities[resumed ? 'resumed' : 'full'] ??= Object.freeze({
    source: 'tls',
    via: undefined,
    ...identity,
    policies: noPolicies,
    resumed,
  }));
  return policies.length === 0 ? shown : Object.freeze({ ...shown, policies });
}

/** What came with a peer's certificate, DER. */
export function intermediatesOf(peer: ReadPeer | undefined): readonly Buffer[] {
  return peer?.others.map(({ raw }) => raw) ?? [];
}

/** Reads what a proxy forwarded, which anyone may have made. */
export function readForwardedPeer({
  leaf,
  chain,
}: Pick<ForwardedCertificate, 'leaf' | 'chain'>): ReadPeer | Refusal {
  try {
    const certificate = parseCertificate(ownCopyOf(leaf), { left: strangers.elements });
    const others = chain.map((der) => parseCertificate(ownCopyOf(der), { left: strangers.elements }));
    const identity = identityOf(certificate);
    const weight = others.reduce(
      (sum, { raw }) => sum + weightOfIntermediate(raw),
      weightOf(leaf, strangers.elements),
    );
    return Object.freeze({ certificate, identity, identities: {}, others: Object.freeze(others), weight });
  } catch (error) {
    return refuseUnreadable(error);
  }
}
