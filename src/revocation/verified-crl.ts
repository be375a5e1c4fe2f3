/**
 * A CRL that can be consulted: parsed, verified and packed. The packed form is plain data, because a separate thread
 * loads large CRLs.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { locating, MtlsError } from '../errors.js';
import { type CompleteRevocationPolicy } from './revocation-policy.js';
import { type Certificate } from '../x509/certificate.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { type CrlEntries, type EntryVisitor } from '../x509/crl-entry.js';
import { type Crl, type CrlOutline, parseCrl } from '../x509/crl.js';
import { type CrlHead, type CrlHeadData, packHead, unpackHead } from '../x509/crl-head.js';
import { CrlIndex, type CrlIndexData, EntryCollector, packEntries } from './crl-index.js';
import { verifyCrl } from './verify-crl.js';

/** The bytes of one CRL and where they came from. */
export interface CrlBytes {
  readonly der: Buffer;
  /** The file or option. */
  readonly origin: string;
  readonly digest: string;
}

/** A CRL whose signature was verified. */
export interface VerifiedCrl {
  /** The fields of the CRL without its entries. */
  readonly crl: CrlHead;
  /** The CA whose key signed it. */
  readonly signer: Certificate;
  readonly index: CrlIndex;
  /** SHA-256 of the CRL in hex. */
  readonly digest: string;
  /** The CRL in DER, for OpenSSL; `undefined` if OpenSSL does not get it. */
  readonly raw: Buffer | undefined;
  readonly origin: string;
  readonly loadedAt: Date;
}

/** {@link VerifiedCrl} as plain data. Threads share the memory of the index; the rest is copied. */
export interface PackedCrl {
  readonly head: CrlHeadData;
  readonly signer: Uint8Array;
  readonly index: CrlIndexData;
  readonly digest: string;
  readonly raw: Uint8Array | undefined;
  readonly origin: string;
}

/** A parsed CRL whose signature is valid. */
export interface SignedCrl {
  readonly crl: Crl;
  readonly signer: Certificate;
  /** SHA-256 of the CRL, hex. */
  readonly digest: string;
  readonly origin: string;
  /** Its entries, if it was read to be packed. */
  readonly entries: EntryCollector | undefined;
}

/**
 * Parses and verifies one CRL.
 * @param purpose - `'pack'` collects the entries meanwhile, so that they are not read again.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID`, or an error of {@link verifyCrl}.
 */
export function readSignedCrl(
  { der, origin, digest }: CrlBytes,
  store: CertificateStore,
  { weakSignature }: Pick<CompleteRevocationPolicy, 'weakSignature'>,
  purpose: 'pack' | 'compare' = 'pack',
): SignedCrl {
  let entries: EntryCollector | undefined;
  const collect = (frame: CrlOutline & CrlEntries): EntryVisitor => {
    const collector = new EntryCollector(frame);
    entries = collector;
    return (entry) => {
      collector.add(entry);
    };
  };
  const crl = locating(origin, () => parseCrl(der, purpose === 'pack' ? collect : undefined));
  return { crl, signer: verifyCrl(crl, { store, weakSignature, origin }), digest, origin, entries };
}

/** SHA-256 in hex: identifies a CRL. */
export function digestOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}

/**
 * Packs a CRL. The result does not reference the bytes of the CRL; it copies them only on request.
 * @param options - `keepEntries`: up to how many entries the bytes are kept for OpenSSL. `seed`: the seed of the
 *   indexes in force, for a fast comparison.
 */
export function packCrl(
  { crl, signer, digest, origin, entries }: SignedCrl,
  { keepEntries, seed }: { readonly keepEntries: number; readonly seed: Uint32Array | undefined },
): PackedCrl {
  return {
    head: packHead(crl),
    signer: Uint8Array.from(signer.raw),
    index: locating(origin, () => entries?.pack(seed) ?? packEntries(crl, seed)),
    digest,
    raw: crl.entryCount > keepEntries ? undefined : Uint8Array.from(crl.raw),
    origin,
  };
}

/** Restores a CRL from its packed form. */
export function unpackCrl(
  { head, signer, index, digest, raw, origin }: PackedCrl,
  store: CertificateStore,
  loadedAt: Date,
): VerifiedCrl {
  const ca = store.certificates.find((certificate) => certificate.raw.equals(signer));
  if (ca === undefined)
    throw new MtlsError('ERR_MTLS_CRL_ISSUER_UNKNOWN', {
      source: origin,
      seen: 'its signer is not one of the configured CAs',
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

/** A CRL as text: kind, number, issuer and date. */
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

/**
 * Until when a CRL can vouch, in milliseconds since 1970: its nextUpdate plus the grace period, but not after the
 * `maxAgeMs` of the policy have passed since it was confirmed; or forever.
 * @param confirmedAt - When its source last confirmed it, `-Infinity` if it never did; `undefined` if that does not
 *   matter.
 */
export function freshUntil(
  { nextUpdate }: Pick<CrlHead, 'nextUpdate'>,
  policy: CompleteRevocationPolicy,
  confirmedAt?: number,
): number {
  if (policy.stale === 'allow') return Infinity;
  const { maxAgeMs, graceMs } = policy;
  const lastMs = nextUpdate === undefined ? Infinity : nextUpdate.getTime() + graceMs;
  if (maxAgeMs === undefined || confirmedAt === undefined) return lastMs;
  return Math.min(lastMs, confirmedAt + maxAgeMs);
}

/**
 * Rejects a CRL that is not in force at a given time.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` before its thisUpdate, `ERR_MTLS_CRL_EXPIRED` after its nextUpdate and the
 *   grace period of the policy.
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
