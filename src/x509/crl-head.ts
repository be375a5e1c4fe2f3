/**
 * The head of a CRL, independent of its bytes: small enough to keep, and as plain data that threads can exchange.
 *
 * @module
 */
import { DerReader } from './der.js';
import { crlSubject } from './crl-entry.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import { type IssuingDistributionPoint, readIssuingDistributionPoint } from './distribution-point.js';

/** The head of a CRL (RFC 5280 sections 5.1 and 5.2). */
export interface CrlHead {
  readonly version: 1 | 2;
  readonly issuer: DistinguishedName;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** CRLNumber, at most 20 octets (section 5.2.3). */
  readonly number: bigint | undefined;
  /** BaseCRLNumber: this is a delta CRL for that CRL (section 5.2.4). */
  readonly deltaBase: bigint | undefined;
  /** Hex. */
  readonly authorityKeyId: string | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  /**
   * The critical extensions of the CRL and its entries that are unsupported or must not be critical. With any, the
   * CRL must not be used.
   */
  readonly unknownCriticalExtensions: readonly string[];
  /** The number of CRL entries. */
  readonly entryCount: number;
}

/** {@link CrlHead} as plain data: names and scope as copies of their DER. */
export interface CrlHeadData extends Omit<CrlHead, 'issuer' | 'issuingDistributionPoint'> {
  readonly issuer: Uint8Array;
  readonly issuingDistributionPoint: Uint8Array | undefined;
}

/** Copies the head of a CRL, so that keeping it does not keep the bytes. */
export function packHead(head: CrlHead): CrlHeadData {
  const {
    version,
    thisUpdate,
    nextUpdate,
    number,
    deltaBase,
    authorityKeyId,
    unknownCriticalExtensions,
    entryCount,
  } = head;
  return {
    version,
    thisUpdate,
    nextUpdate,
    number,
    deltaBase,
    authorityKeyId,
    unknownCriticalExtensions,
    entryCount,
    issuer: Uint8Array.from(head.issuer.der),
    issuingDistributionPoint:
      head.issuingDistributionPoint && Uint8Array.from(head.issuingDistributionPoint.der),
  };
}

/** Converts plain data to a head. */
export function unpackHead(data: CrlHeadData): CrlHead {
  const { issuer, issuingDistributionPoint: scope, ...rest } = data;
  return Object.freeze({
    ...rest,
    issuer: readName(new DerReader(Buffer.from(issuer), crlSubject)),
    issuingDistributionPoint:
      scope && readIssuingDistributionPoint(new DerReader(Buffer.from(scope), crlSubject)),
  });
}
