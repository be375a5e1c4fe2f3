/**
 * Why a certificate was revoked, in three spellings: RFC 5280's name, its
 * number, and the word in OpenSSL's database.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type RevocationReason as CrlReason, revocationReasons } from '../x509/crl-entry.js';

/** Why a certificate was revoked, by the names of RFC 5280 section 5.3.1 that `openssl ca` knows too. */
export type RevocationReason = Exclude<
  CrlReason,
  'unused' | 'removeFromCRL' | 'privilegeWithdrawn' | 'aACompromise'
>;

// What `openssl ca` cannot read back from its database, and removeFromCRL, which belongs in delta CRLs only.
const omitted: Readonly<Record<Exclude<CrlReason, RevocationReason>, true>> = {
  unused: true,
  removeFromCRL: true,
  privilegeWithdrawn: true,
  aACompromise: true,
};

/** All of them. */
export const reasons: readonly RevocationReason[] = revocationReasons.filter(
  (reason): reason is RevocationReason => !Object.hasOwn(omitted, reason),
);

// What `openssl ca -crl_hold`, `-crl_compromise` and `-crl_CA_compromise` write.
const reasonByOpensslWord: Readonly<Record<string, RevocationReason>> = {
  holdinstruction: 'certificateHold',
  keytime: 'keyCompromise',
  cakeytime: 'cACompromise',
};

/** The reasonCode of RFC 5280 section 5.3.1; `undefined` for `unspecified`, which that section asks to leave out. */
export function reasonCodeOf(reason: RevocationReason): number | undefined {
  return reason === 'unspecified' ? undefined : revocationReasons.indexOf(reason);
}

/**
 * Checks a reason that a caller gave.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where it is none of {@link RevocationReason}
 */
export function checkReason(reason: string): RevocationReason {
  const known = reasons.find((candidate) => candidate === reason);
  if (known !== undefined) return known;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `reason is ${JSON.stringify(reason)}`,
    remedy: `use one of ${reasons.join(', ')}`,
  });
}

/** The reason that a word of OpenSSL's database stands for, letter case aside as there; `undefined` if none. */
export function reasonOfOpensslWord(word: string): RevocationReason | undefined {
  const lower = word.toLowerCase();
  return reasons.find((reason) => reason.toLowerCase() === lower) ?? reasonByOpensslWord[lower];
}

/** The word that OpenSSL's database has for `reason`. */
export function opensslWordOf(reason: RevocationReason): string {
  return reason === 'cACompromise' ? 'CACompromise' : reason;
}
