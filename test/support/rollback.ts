/**
 * The refusal to go back, as an error.
 *
 * @module
 */
import { findRollbacks, type Replacement } from '../../src/revocation/crl-set.js';
import { type VerifiedCrl } from '../../src/revocation/verified-crl.js';

/** @throws MtlsError `ERR_MTLS_CRL_ROLLBACK` of the first CRL in force that may not be replaced. */
export function refuseRollback(inForce: readonly VerifiedCrl[], next: Replacement): void {
  const [first] = findRollbacks(inForce, next);
  if (first !== undefined) throw first.error;
}
