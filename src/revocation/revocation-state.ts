/**
 * The CRLs in force as reported to operators.
 *
 * @module
 */
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { type VerifiedCrl } from './verified-crl.js';

/**
 * A CRL in force.
 * @example
 * ```ts
 * for (const { issuer, number, nextUpdate } of server.mtls.revocation.crls)
 *   console.log(`CRL ${number} of ${issuer} is current until ${nextUpdate?.toISOString() ?? 'further notice'}`);
 * ```
 */
export interface RevocationEntryState {
  /** The CA that issued it. */
  readonly issuer: DistinguishedName;
  /** The CRL number in decimal (it may have 20 octets); `undefined` if the CRL has none. */
  readonly number: string | undefined;
  /** For a delta CRL, the number of its base in decimal; `undefined` for a full CRL. */
  readonly deltaBase: string | undefined;
  /** When the CA issued it. */
  readonly thisUpdate: Date;
  /** When the next CRL is due; `undefined` if the CRL does not say, in which case it never becomes stale. */
  readonly nextUpdate: Date | undefined;
  /** How many certificates it lists. */
  readonly entries: number;
  /** The file or option that it came from. */
  readonly source: string;
  /** When it was read and verified. */
  readonly loadedAt: Date;
}

/** Describes CRLs, keeping their order. */
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
