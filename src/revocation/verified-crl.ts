/**
 * A CRL that may be asked: read, verified, packed. Packed first into plain data,
 * because a thread of its own does that for large lists.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { locating, MtlsError } from '../errors.js';
import { type CompleteRevocationPolicy } from './revocation-policy.js';
import { type Certificate } from '../x509/certificate.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { type Crl, parseCrl } from '../x509/crl.js';
import { type CrlHead, type CrlHeadData, packHead, unpackHead } from '../x509/crl-head.js';
import { CrlIndex, type CrlIndexData, packEntries } from './crl-index.js';
import { verifyCrl } from './verify-crl.js';

/** The bytes of one CRL and where they came from. */
export interface CrlBytes {
  readonly der: Buffer;
  /** The file or option. */
  readonly origin: string;
  readonly digest: string;
}

/** A CRL whose signature has been verified, ready to be asked. */
export interface VerifiedCrl {
  /** What the CRL says of itself. */
  readonly crl: CrlHead;
  /** The CA whose key signed it. */
  readonly signer: Certificate;
  readonly index: CrlIndex;
  /** SHA-256 of the CRL, hex. */
  readonly digest: string;
  /** The CRL itself, DER, for handing it to OpenSSL; `undefined` where OpenSSL is not to be handed it. */
  readonly raw: Buffer | undefined;
  readonly origin: string;
  readonly loadedAt: Date;
}

/** {@link VerifiedCrl} as plain data. The index's memory is shared between threads, the rest is copied. */
export interface PackedCrl {
  readonly head: CrlHeadData;
  readonly signer: Uint8Array;
  readonly index: CrlIndexData;
  readonly digest: string;
  readonly raw: Uint8Array | undefined;
  readonly origin: string;
}

/** A CRL that was read, and whose signature holds. */
export interface SignedCrl {
  readonly crl: Crl;
  readonly signer: Certificate;
  /** SHA-256 of the CRL, hex. */
  readonly digest: string;
  readonly origin: string;
}

/**
 * Reads and verifies one CRL.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID`, or one of {@link verifyCrl}'s.
 */
export function readSignedCrl(
  { der, origin, digest }: CrlBytes,
  store: CertificateStore,
  { weakSignature }: Pick<CompleteRevocationPolicy, 'weakSignature'>,
): SignedCrl {
  const crl = locating(origin, () => parseCrl(der));
  return { crl, signer: verifyCrl(crl, { store, weakSignature, origin }), digest, origin };
}

/** SHA-256, hex: what tells whether a CRL is the one in force. */
export function digestOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}

/**
 * Packs a CRL. Nothing of the result keeps the CRL's bytes, unless they are wanted.
 * @param options - `keepEntries`: up to how many entries the bytes are kept, for handing them to OpenSSL; `seed`:
 *   that of the indexes in force, so that the new one can be compared with them quickly.
 */
export function packCrl(
  { crl, signer, digest, origin }: SignedCrl,
  { keepEntries, seed }: { readonly keepEntries: number; readonly seed: Uint32Array | undefined },
): PackedCrl {
  return {
    head: packHead(crl),
    signer: Uint8Array.from(signer.raw),
    index: locating(origin, () => packEntries(crl, seed)),
    digest,
    raw: crl.entryCount > keepEntries ? undefined : Uint8Array.from(crl.raw),
    origin,
  };
}

/** Makes a packed CRL ready to be asked. */
export function unpackCrl(
  { head, signer, index, digest, raw, origin }: PackedCrl,
  store: CertificateStore,
  loadedAt: Date,
): VerifiedCrl {
  const ca = store.certificates.find((certificate) => certificate.raw.equals(signer));
  if (ca === undefined)
    throw new MtlsError('ERR_MTLS_CRL_ISSUER_UNKNOWN', {
      source: origin,
      seen: 'its signer is not among the configured CAs',
    });
  return Object.freeze({
    crl: unpackHead(head),
    signer: ca,
    index: new CrlIndex(index),
    digest,
    raw: raw && Buffer.from(raw),
    origin,
    loadedAt,
  });
}

/** A CRL in a sentence: whose, which number, of when. */
export function describeCrl({
  issuer,
  number,
  deltaBase,
  thisUpdate,
}: Pick<CrlHead, 'issuer' | 'number' | 'deltaBase' | 'thisUpdate'>): string {
  const kind = deltaBase === undefined ? 'CRL' : 'delta CRL';
  const name = number === undefined ? kind : `${kind} number ${number}`;
  return `${name} of "${issuer.describe()}" (${thisUpdate.toISOString()})`;
}

/** Until when a CRL can acquit, in milliseconds since 1970: its nextUpdate and the grace, or for ever. */
export function freshUntil(
  { nextUpdate }: Pick<CrlHead, 'nextUpdate'>,
  policy: CompleteRevocationPolicy,
): number {
  if (policy.stale === 'allow' || nextUpdate === undefined) return Infinity;
  return nextUpdate.getTime() + policy.graceMs;
}

/**
 * Refuses a CRL that is not in force at a time.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` before its thisUpdate, `ERR_MTLS_CRL_EXPIRED` after its nextUpdate
 *   and the policy's grace.
 */
export function checkCrlDates(
  { crl, origin }: { readonly crl: CrlHead; readonly origin: string },
  policy: CompleteRevocationPolicy,
  at: Date,
): void {
  if (crl.thisUpdate > at) {
    throw new MtlsError('ERR_MTLS_CRL_INVALID', {
      source: origin,
      seen: `the ${describeCrl(crl)} is not in force before ${crl.thisUpdate.toISOString()}`,
      remedy: `check the clock of the CA, and of this host, which says ${at.toISOString()}`,
    });
  }
  if (crl.nextUpdate !== undefined && freshUntil(crl, policy) <= at.getTime()) {
    const grace = policy.graceMs === 0 ? '' : `, with ${policy.graceMs} ms of grace`;
    throw new MtlsError('ERR_MTLS_CRL_EXPIRED', {
      source: origin,
      seen: `the ${describeCrl(crl)} expired at ${crl.nextUpdate.toISOString()}${grace}`,
      remedy: `publish a newer CRL (the clock of this host says ${at.toISOString()})`,
    });
  }
}
