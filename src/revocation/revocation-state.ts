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
  /**
   * When its loader last confirmed it: see the `maxAgeMs` of the revocation policy. `undefined` if it came from a file
   * or from memory.
   */
  readonly confirmedAt: Date | undefined;
}

/**
 * Describes CRLs, keeping their order.
 * @param confirmedAt - When the source of a CRL last confirmed it, in milliseconds since 1970.
 */
export function describeCrls(
  crls: readonly VerifiedCrl[],
  confirmedAt: (crl: VerifiedCrl) => number | undefined = () => undefined,
): readonly RevocationEntryState[] {
  return Object.freeze(
    crls.map((verified) => {
      const { crl, origin, loadedAt } = verified;
      const confirmed = confirmedAt(verified) ?? NaN;
      return Object.freeze({
        issuer: crl.issuer,
        number: crl.number?.toString(),
        deltaBase: crl.deltaBase?.toString(),
        thisUpdate: crl.thisUpdate,
        nextUpdate: crl.nextUpdate,
        entries: crl.entryCount,
        source: origin,
        loadedAt,
        confirmedAt: Number.isFinite(confirmed) ? new Date(confirmed) : undefined,
      });
    }),
  );
}
