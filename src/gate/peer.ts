/**
 * Reads the peer's certificate from a TLS socket, once for each connection.
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
import { DerReader, type DerSubject } from '../x509/der.js';
import { type DistinguishedName, type KnownNames, readName } from '../x509/distinguished-name.js';
import { withSessionCertificate } from './session-certificate.js';
import { WeightedCache } from './weighted-cache.js';

/** A peer whose certificate has been read. */
export class ReadPeer implements Peer {
  readonly certificate: Certificate;
  readonly others: readonly Certificate[];
  /** The approximate size in memory, in bytes. */
  readonly weight: number;
  // Read when first needed: no check needs it, and many connections end without a request.
  #identity: CertificateIdentity | undefined;
  #full: ClientIdentity | undefined;
  #resumed: ClientIdentity | undefined;

  constructor(certificate: Certificate, weight: number, others: readonly Certificate[] = none) {
    this.certificate = certificate;
    this.others = others;
    this.weight = weight;
    Object.freeze(this);
  }

  /** What the certificate says. */
  get identity(): CertificateIdentity {
    return (this.#identity ??= identityOf(this.certificate));
  }

  /** The identity on a connection with a full handshake, or on one that resumed a session: one object for each. */
  identityOn(connection: 'full' | 'resumed'): ClientIdentity {
    return connection === 'full'
      ? (this.#full ??= this.#complete(false))
      : (this.#resumed ??= this.#complete(true));
  }

  #complete(resumed: boolean): ClientIdentity {
    return Object.freeze({ source: 'tls', via: undefined, ...this.identity, policies: none, resumed });
  }
}

const none: readonly never[] = Object.freeze([]);

/**
 * The limits for a certificate that OpenSSL does not trust, because anyone can make one. A certificate of AD CS has
 * 2 kB and some 150 elements; parsing one with 92 kB of names would take tens of milliseconds.
 */
const strangers = { bytes: 16 * 1024, elements: 512 } as const;

/** Enough for the clients of most servers, and small enough for a small heap. */
const remembered = { entries: 10_000, bytes: 64 * 1024 * 1024 } as const;

/** Reads peers, and remembers those that were admitted, with the intermediates of their full handshakes. */
export class PeerCache {
  readonly #peers: WeightedCache<number, ReadPeer>;
  readonly #intermediates: WeightedCache<number, Certificate>;
  readonly #issuers = new IssuerNames();

  constructor(limits: { readonly entries: number; readonly bytes: number } = remembered) {
    this.#peers = new WeightedCache(limits);
    this.#intermediates = new WeightedCache(limits);
  }

  /**
   * Reads a socket's peer.
   * @returns `undefined` if there is no certificate; a refusal if the certificate cannot or must not be read.
   */
  read(socket: TLSSocket, openssl: OpensslVerdict): ReadPeer | Refusal | undefined {
    return withSessionCertificate(socket, (der) => {
      const known = this.#peers.get(keyOf(der));
      return known?.certificate.raw.equals(der) === true ? known : readPeer(der, openssl, this.#issuers);
    });
  }

  /**
   * Reads the intermediates that a peer sent in this handshake. Some releases of Node leak memory at this, so it is not
   * done for a peer that OpenSSL does not trust.
   */
  withIntermediates(socket: TLSSocket, peer: ReadPeer): ReadPeer | Refusal {
    try {
      const others = sentBeside(socket).map((der) => this.#readIntermediate(der));
      const weight = others.reduce((sum, { raw }) => sum + weightOfIntermediate(raw), peer.weight);
      return new ReadPeer(peer.certificate, weight, Object.freeze(others));
    } catch (error) {
      return refuseUnreadable(error);
    }
  }

  /** An intermediate of an admitted client is the same object each time, so that its signature is verified once. */
  #readIntermediate(der: Buffer): Certificate {
    const known = this.#intermediates.get(keyOf(der));
    return known?.raw.equals(der) === true ? known : parseCertificate(der);
  }

  /** Remembers a peer that was admitted. If the cache is full, old entries are dropped. */
  remember(peer: ReadPeer): void {
    const key = keyOf(peer.certificate.raw);
    if (this.#peers.get(key) === peer) return;
    this.#peers.put(key, peer, peer.weight);
    this.#issuers.add(peer.certificate.issuer);
    for (const other of peer.others)
      this.#intermediates.put(keyOf(other.raw), other, weightOfIntermediate(other.raw));
  }

  /** Forgets a peer that will not be admitted again. */
  forget({ raw }: Pick<CertificateIdentity, 'raw'>): void {
    this.#peers.delete(keyOf(raw));
  }
}

/**
 * The names of the issuers of admitted clients. A client with the same issuer shares the name, which is then read,
 * compared and kept once.
 */
export class IssuerNames implements KnownNames {
  readonly #names = new WeightedCache<string, DistinguishedName>({ entries: 1000, bytes: 2 ** 20 });

  /** Remembers the name of an issuer. */
  add({ der }: DistinguishedName): void {
    if (this.find(der) !== undefined) return;
    // Read from its own copy: the name of a certificate would keep the whole certificate in memory.
    const name = readName(new DerReader(ownCopyOf(der), issuerName));
    this.#names.put(der.toString('latin1'), name, weightOf(der, der.length / 2));
  }

  /** The name with these bytes; `undefined` if it is not known. */
  find(der: Buffer): DistinguishedName | undefined {
    return this.#names.get(der.toString('latin1'));
  }
}

const issuerName: DerSubject = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'issuer' };

/** The last bytes of the signature. The key only finds a candidate; callers compare all bytes. */
function keyOf(der: Buffer): number {
  const octets = Math.min(der.length, 6);
  return der.readUIntBE(der.length - octets, octets);
}

/** Copies bytes to their own memory: a slice of Node's buffer pool would keep the whole pool alive. */
function ownCopyOf(view: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(view.length);
  view.copy(own);
  return own;
}

function readPeer(view: Buffer, openssl: OpensslVerdict, issuers: KnownNames): ReadPeer | Refusal {
  const isStranger = typeof openssl === 'object';
  if (isStranger && view.length > strangers.bytes) {
    const { reason } = refuseForOpenssl(openssl.error);
    return refuse(
      reason,
      `OpenSSL says ${openssl.error}, and the certificate has ${view.length} bytes: a certificate that OpenSSL does not trust may have at most ${strangers.bytes}`,
    );
  }
  const der = ownCopyOf(view);
  const elements = isStranger ? strangers.elements : der.length;
  const budget = { left: elements };
  try {
    const certificate = parseCertificate(der, { budget, issuers });
    return new ReadPeer(certificate, weightOf(der, elements - budget.left));
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

/** The approximate memory of a parsed certificate, in bytes: measured with many small names, the worst case. */
function weightOf(der: Buffer, elements: number): number {
  return 1024 + 2 * der.length + 100 * elements;
}

/** An upper limit, because an element has at least two bytes. */
function weightOfIntermediate(der: Buffer): number {
  return weightOf(der, der.length / 2);
}

function refuseUnreadable(error: unknown): Refusal {
  if (error instanceof MtlsError) return refuse('identity-invalid', error.seen, { remedy: error.remedy });
  throw error;
}

/** OpenSSL's verdict on a socket's peer. */
export function opensslVerdictOn(socket: TLSSocket): OpensslVerdict {
  // Typed as Error, but a string on the server side. `authorized` alone can be true on a resumed session without a
  // certificate.
  const error = socket.authorizationError as Error | string | null | undefined;
  if (typeof error === 'object' && error !== null) return { error: error.message };
  if (typeof error === 'string' && error !== '') return { error };
  return socket.authorized ? 'trusted' : { error: 'UNAUTHORIZED' };
}

/** The identity of a peer on this connection. @param policies - Those that its certification path is valid for. */
export function identityOn(
  socket: TLSSocket,
  peer: ReadPeer,
  policies: readonly string[] = none,
): ClientIdentity {
  const shown = peer.identityOn(socket.isSessionReused() ? 'resumed' : 'full');
  return policies.length === 0 ? shown : Object.freeze({ ...shown, policies });
}

/** The intermediates of a peer, in DER. */
export function intermediatesOf(peer: ReadPeer | undefined): readonly Buffer[] {
  return peer?.others.map(({ raw }) => raw) ?? [];
}

/** Reads certificates that a proxy forwarded, within limits, because anyone can make them. */
export function readForwardedPeer(
  { leaf, chain }: Pick<ForwardedCertificate, 'leaf' | 'chain'>,
  issuers: KnownNames,
): ReadPeer | Refusal {
  try {
    const certificate = parseCertificate(ownCopyOf(leaf), { budget: { left: strangers.elements }, issuers });
    const others = chain.map((der) =>
      parseCertificate(ownCopyOf(der), { budget: { left: strangers.elements } }),
    );
    const weight = others.reduce(
      (sum, { raw }) => sum + weightOfIntermediate(raw),
      weightOf(leaf, strangers.elements),
    );
    return new ReadPeer(certificate, weight, Object.freeze(others));
  } catch (error) {
    return refuseUnreadable(error);
  }
}
