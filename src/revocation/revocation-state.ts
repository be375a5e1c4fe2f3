/**
 * What an operator is told of the CRLs in force.
 *
 * @module
 */
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { type VerifiedCrl } from './verified-crl.js';

/** One CRL in force. */
export interface RevocationEntryState {
  /** Whose list it is. */
  readonly issuer: DistinguishedName;
  /** The CRL number in decimal (it may have 20 octets); `undefined` where the CRL has none. */
  readonly number: string | undefined;
  /** Of a delta the number of its base, in decimal; `undefined`: it is a full CRL. */
  readonly deltaBase: string | undefined;
  /** When the CA made it. */
  readonly thisUpdate: Date;
  /** `undefined`: the CRL does not say when the next one comes, and never goes stale. */
  readonly nextUpdate: Date | undefined;
  /** How many certificates it lists. */
  readonly entries: number;
  /** The file or option it came from. */
  readonly source: string;
  /** When it was read and verified. */
  readonly loadedAt: Date;
}

/** Describes CRLs, in the order they have. */
export function describeCrls(crls: readonly VerifiedCrl[]): readonly RevocationEntryState[] {
  return Object.freeze(
    crls.map(({ crl, origin, loadedAt }) =>
      Object.freeze({
        issuer: crl.issuer,
        number: crl.number?.toString(),
        deltaBase: crl.deltaBase?.toString(),
        thisUpdate: crl.thisUpdate,
        nextUpdate: crl.nextUpdate,
        entries: crl.entryCount,
        source: origin,
        loadedAt,
      }),
    ),
  );
}
