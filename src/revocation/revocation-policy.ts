/**
 * The revocation policy: what is admitted beyond the strict defaults.
 *
 * @module
 */
import { checkChoice, checkEach, checkInteger, checkPart } from '../option-checks.js';

/**
 * The revocation policy. By default, every certificate that is not known to be good is refused.
 * @example
 * ```ts
 * const server = await createServer({ key, cert, ca, crl, revocation: { graceMs: 3_600_000, warnAt: 0.5 } }, app);
 * ```
 */
export interface RevocationPolicy {
  /**
   * Which certificates of a path are checked: every one below the root, or only the client's own.
   * @defaultValue `'chain'`
   * @see RFC 5280 section 6.1.3
   */
  readonly scope?: 'chain' | 'leaf';
  /**
   * How to treat a certificate that no CRL covers. `'deny'` refuses it with `ERR_MTLS_REVOCATION_UNKNOWN`; `'allow'`
   * admits every certificate of a CA without a CRL.
   * @defaultValue `'deny'`
   */
  readonly unknown?: 'deny' | 'allow';
  /**
   * How to treat a CRL past its nextUpdate. `'deny'` refuses certificates of its issuer with
   * `ERR_MTLS_REVOCATION_UNKNOWN`; `'allow'` admits every certificate that it does not list. For a stale delta,
   * `'deny'` means that it still revokes, but lifts no hold and leaves the rest to its base.
   * @defaultValue `'deny'`
   * @see RFC 5280 section 5.1.2.5
   */
  readonly stale?: 'deny' | 'allow';
  /**
   * How long a CRL past its nextUpdate still counts as current, in milliseconds.
   * @defaultValue `0`; an integer from 0 to 2_592_000_000 (30 days)
   */
  readonly graceMs?: number;
  /**
   * How long a CRL of a loader counts as current after its source last confirmed it, in milliseconds. After that it is
   * treated as `stale` says. A source confirms a CRL each time that the loader resolves with it; over HTTP, 304
   * confirms too. It limits how long someone who withholds newer CRLs can hide a revocation. CRLs from files and
   * memory are not limited.
   * @defaultValue no limit; an integer from 1000 to 2_592_000_000 (30 days)
   */
  readonly maxAgeMs?: number;
  /**
   * How to treat a CRL signed with MD5 or SHA-1. `'deny'` rejects it with `ERR_MTLS_CRL_UNSUPPORTED`; `'allow'`
   * accepts it, although such a signature can be forged.
   * @defaultValue `'deny'`
   */
  readonly weakSignature?: 'deny' | 'allow';
  /**
   * When to report `'crl-expiring'`: the remaining fraction of the time from thisUpdate to nextUpdate.
   * @defaultValue `0.2`; from 0 to 1
   */
  readonly warnAt?: number;
  /**
   * Up to how many entries in total the CRLs are also passed to OpenSSL, as a second check. OpenSSL hashes all
   * entries at every handshake: 10,000 entries nearly double the cost of a handshake.
   * @defaultValue `1000`; an integer from 0 (never) to 1_000_000
   */
  readonly opensslEntries?: number;
}

/** {@link RevocationPolicy} with every option set. */
export type CompleteRevocationPolicy = Required<Omit<RevocationPolicy, 'maxAgeMs'>> &
  Readonly<Record<'maxAgeMs', number | undefined>>;

const maxGraceMs = 30 * 24 * 3600 * 1000;

/** Checks a revocation policy and applies the defaults. */
export function checkRevocationPolicy(policy: RevocationPolicy = {}): CompleteRevocationPolicy {
  return checkEach(policy, 'revocation', {
    scope: () => checkChoice(policy.scope, 'revocation.scope', ['chain', 'leaf']),
    unknown: () => checkChoice(policy.unknown, 'revocation.unknown', ['deny', 'allow']),
    stale: () => checkChoice(policy.stale, 'revocation.stale', ['deny', 'allow']),
    graceMs: () => checkInteger(policy.graceMs, 'revocation.graceMs', 0, 0, maxGraceMs),
    maxAgeMs: () =>
      policy.maxAgeMs === undefined
        ? undefined
        : checkInteger(policy.maxAgeMs, 'revocation.maxAgeMs', 0, 1000, maxGraceMs),
    weakSignature: () => checkChoice(policy.weakSignature, 'revocation.weakSignature', ['deny', 'allow']),
    warnAt: () => checkPart(policy.warnAt, 'revocation.warnAt', 0.2),
    opensslEntries: () =>
      checkInteger(policy.opensslEntries, 'revocation.opensslEntries', 1000, 0, 1_000_000),
  });
}
