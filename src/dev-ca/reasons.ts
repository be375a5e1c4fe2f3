/**
 * Revocation reasons in three forms: the name in RFC 5280, its number, and the word in OpenSSL's database.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type RevocationReason as CrlReason, revocationReasons } from '../x509/crl-entry.js';

/** Why a certificate was revoked, by the names in RFC 5280 section 5.3.1 that `openssl ca` supports too. */
export type RevocationReason = Exclude<
  CrlReason,
  'unused' | 'removeFromCRL' | 'privilegeWithdrawn' | 'aACompromise'
>;

// Reasons that `openssl ca` cannot read back from its database, and removeFromCRL, which is only for delta CRLs.
const omitted: Readonly<Record<Exclude<CrlReason, RevocationReason>, true>> = {
  unused: true,
  removeFromCRL: true,
  privilegeWithdrawn: true,
  aACompromise: true,
};

/** All supported reasons. */
export const reasons: readonly RevocationReason[] = revocationReasons.filter(
  (reason): reason is RevocationReason => !Object.hasOwn(omitted, reason),
);

// The words that `openssl ca -crl_hold`, `-crl_compromise` and `-crl_CA_compromise` write.
const reasonByOpensslWord: Readonly<Record<string, RevocationReason>> = {
  holdinstruction: 'certificateHold',
  keytime: 'keyCompromise',
  cakeytime: 'cACompromise',
};

/** The reasonCode of RFC 5280 section 5.3.1; `undefined` for `unspecified`, which that section says to omit. */
export function reasonCodeOf(reason: RevocationReason): number | undefined {
  return reason === 'unspecified' ? undefined : revocationReasons.indexOf(reason);
}

/**
 * Validates a reason.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if it is not a {@link RevocationReason}
 */
export function checkReason(reason: string): RevocationReason {
  const known = reasons.find((candidate) => candidate === reason);
  if (known !== undefined) return known;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `reason is ${JSON.stringify(reason)}`,
    remedy: `use one of ${reasons.join(', ')}`,
  });
}

/** The reason for a word of OpenSSL's database, case-insensitive; `undefined` if there is none. */
export function reasonOfOpensslWord(word: string): RevocationReason | undefined {
  const lower = word.toLowerCase();
  return reasons.find((reason) => reason.toLowerCase() === lower) ?? reasonByOpensslWord[lower];
}

/** The word for `reason` in OpenSSL's database. */
export function opensslWordOf(reason: RevocationReason): string {
  return reason === 'cACompromise' ? 'CACompromise' : reason;
}
