/**
 * How revocation is decided: what is admitted that the defaults refuse.
 *
 * @module
 */
import { checkChoice, checkEach, checkInteger, checkPart } from '../option-checks.js';

/** How revocation is decided. The defaults refuse whatever is not known to be good. */
export interface RevocationPolicy {
  /**
   * Which certificates must not be revoked: the client's alone, or every one below the root.
   * @defaultValue `'chain'`
   * @see RFC 5280 section 6.1.3
   */
  readonly scope?: 'chain' | 'leaf';
  /**
   * What it means that no CRL covers a certificate. `'deny'` refuses it with
   * `ERR_MTLS_REVOCATION_UNKNOWN`; `'allow'` admits every certificate of a CA without a CRL.
   * @defaultValue `'deny'`
   */
  readonly unknown?: 'deny' | 'allow';
  /**
   * What a CRL past its nextUpdate means. `'deny'` refuses its issuer's certificates with
   * `ERR_MTLS_REVOCATION_UNKNOWN`; `'allow'` admits every certificate that the stale list does not name. Of a stale
   * delta, `'deny'` means that it revokes, lifts nothing, and leaves the rest to its base.
   * @defaultValue `'deny'`
   * @see RFC 5280 section 5.1.2.5
   */
  readonly stale?: 'deny' | 'allow';
  /**
   * How long past its nextUpdate a CRL still counts as current, in milliseconds.
   * @defaultValue `0`; an integer from 0 to 2_592_000_000 (30 days)
   */
  readonly graceMs?: number;
  /**
   * What a CRL signed with MD5 or SHA-1 means. `'deny'` refuses it with `ERR_MTLS_CRL_UNSUPPORTED`;
   * `'allow'` believes whoever can forge such a signature.
   * @defaultValue `'deny'`
   */
  readonly weakSignature?: 'deny' | 'allow';
  /**
   * Of a CRL's life from thisUpdate to nextUpdate, the part that is left when `'crl-expiring'` is told.
   * @defaultValue `0.2`; from 0 to 1
   */
  readonly warnAt?: number;
  /**
   * How many entries the CRLs may have together for OpenSSL to be handed them too, as a second lock. It hashes
   * them all at every handshake: 10,000 entries nearly double what a handshake costs.
   * @defaultValue `1000`; an integer from 0 (never) to 1_000_000
   */
  readonly opensslEntries?: number;
}

/** {@link RevocationPolicy} with nothing left out. */
export type CompleteRevocationPolicy = Required<RevocationPolicy>;

const maxGraceMs = 30 * 24 * 3600 * 1000;

/** Checks a revocation policy and completes it. */
export function checkRevocationPolicy(policy: RevocationPolicy = {}): CompleteRevocationPolicy {
  return checkEach(policy, 'revocation', {
    scope: () => checkChoice(policy.scope, 'revocation.scope', ['chain', 'leaf']),
    unknown: () => checkChoice(policy.unknown, 'revocation.unknown', ['deny', 'allow']),
    stale: () => checkChoice(policy.stale, 'revocation.stale', ['deny', 'allow']),
    graceMs: () => checkInteger(policy.graceMs, 'revocation.graceMs', 0, 0, maxGraceMs),
    weakSignature: () => checkChoice(policy.weakSignature, 'revocation.weakSignature', ['deny', 'allow']),
    warnAt: () => checkPart(policy.warnAt, 'revocation.warnAt', 0.2),
    opensslEntries: () =>
      checkInteger(policy.opensslEntries, 'revocation.opensslEntries', 1000, 0, 1_000_000),
  });
}
