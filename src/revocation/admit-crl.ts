/**
 * From a CRL's bytes to a CRL that may be asked: read, verified, packed.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type CompleteRevocationPolicy } from '../options.js';
import { parseCrl } from '../x509/crl.js';
import { CrlIndex, packCrl } from './crl-index.js';
import { describeCrl, type VerifiedCrl } from './crl-set.js';
import { freshUntil } from './revocation-checker.js';
import { type CrlVerification, verifyCrl } from './verify-crl.js';

/** The bytes of one CRL and where they came from. */
export interface CrlBytes {
  readonly der: Buffer;
  readonly origin: string;
}

/**
 * Reads, verifies and packs one CRL.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID`, or one of {@link verifyCrl}'s.
 */
export function admitCrl(
  { der, origin }: CrlBytes,
  verification: Omit<CrlVerification, 'origin'>,
  at: Date,
): VerifiedCrl {
  const crl = parse(der, origin);
  const signer = verifyCrl(crl, { ...verification, origin });
  return Object.freeze({ crl, signer, index: new CrlIndex(packCrl(crl)), origin, loadedAt: at });
}

function parse(der: Buffer, origin: string): ReturnType<typeof parseCrl> {
  try {
    return parseCrl(der);
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    throw new MtlsError(error.code, `${origin}: ${error.message}`, { cause: error });
  }
}

/**
 * Refuses a CRL that is not in force at a time.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` before its thisUpdate, `ERR_MTLS_CRL_EXPIRED` after its nextUpdate
 *   and the policy's grace.
 */
export function checkCrlDates(verified: VerifiedCrl, policy: CompleteRevocationPolicy, at: Date): void {
  const { crl, origin } = verified;
  if (crl.thisUpdate > at) {
    throw new MtlsError(
      'ERR_MTLS_CRL_INVALID',
      `${origin}: the ${describeCrl(crl)} is not in force before ${crl.thisUpdate.toISOString()}, now ${at.toISOString()}; check the clocks of this host and of the CA`,
    );
  }
  if (crl.nextUpdate !== undefined && freshUntil(verified, policy) <= at.getTime()) {
    const grace = policy.graceMs === 0 ? '' : `, with ${policy.graceMs} ms of grace`;
    throw new MtlsError(
      'ERR_MTLS_CRL_EXPIRED',
      `${origin}: the ${describeCrl(crl)} expired at ${crl.nextUpdate.toISOString()}${grace}, now ${at.toISOString()}; publish a newer CRL`,
    );
  }
}
