/**
 * Which certificates are accepted as client certificates, beyond the defaults.
 *
 * @module
 */
import { checkBoolean, checkChoice, checkEach, checkInteger, invalid } from '../option-checks.js';
import { noPolicyInputs, type PolicyInputs } from '../x509/policy-graph.js';

/**
 * Which certificates are accepted as client certificates. The defaults refuse certificates that were not issued for
 * clients, and short keys.
 * @example
 * ```ts
 * const certificates: CertificatePolicy = { missingUsage: 'allow', minRsaBits: 3072 };
 * ```
 */
export interface CertificatePolicy {
  /**
   * How to treat a certificate without extendedKeyUsage. `'allow'` admits it, and with it every server certificate
   * without that extension. A certificate that only lists other usages is always refused.
   * @defaultValue `'deny'`
   * @see RFC 5280 section 4.2.1.12
   */
  readonly missingUsage?: 'deny' | 'allow';
  /**
   * How to treat a certificate of X.509 version 1, which has no extensions and is what old tutorials produce.
   * `'allow'` admits every such certificate of the CAs, including the server's own.
   * @defaultValue `'deny'`
   */
  readonly version1?: 'deny' | 'allow';
  /**
   * How to treat the certificate of a CA as a client certificate. `'allow'` admits any holder of a CA's key, under
   * the name of that CA.
   * @defaultValue `'deny'`
   */
  readonly authority?: 'deny' | 'allow';
  /**
   * The minimum length of RSA keys in the certification path, in bits. OpenSSL additionally refuses keys that are
   * below its security level.
   * @defaultValue `2048`; an integer from 1024 to 8192
   */
  readonly minRsaBits?: number;
  /**
   * The minimum size of elliptic curves in the certification path, in bits of the field.
   * @defaultValue `256`; an integer from 192 to 521
   */
  readonly minEcBits?: number;
  /**
   * The certificate policies (OIDs) that the certification path must be valid for, if your PKI uses policies. A list
   * is short for that `initialPolicySet` with `initialExplicitPolicy: true`: a client whose path is valid for none of
   * them is refused.
   * @defaultValue any policy, and none is required unless a CA requires one
   * @see RFC 5280 section 6.1.1
   * @example
   * ```ts
   * certificates: { policies: ['1.3.6.1.4.1.99999.1.2'] }
   * ```
   */
  readonly policies?: readonly string[] | PolicyInputOptions;
}

/** The inputs of RFC 5280 section 6.1.1 (c) to (f), under their own names. */
export interface PolicyInputOptions {
  /**
   * The accepted policies, dotted. `'2.5.29.32.0'` means any policy.
   * @defaultValue any policy
   */
  readonly initialPolicySet?: readonly string[];
  /**
   * Whether the path must be valid for one of them.
   * @defaultValue `false`
   */
  readonly initialExplicitPolicy?: boolean;
  /**
   * Whether policyMappings are ignored.
   * @defaultValue `false`
   */
  readonly initialPolicyMappingInhibit?: boolean;
  /**
   * Whether anyPolicy in certificates is ignored.
   * @defaultValue `false`
   */
  readonly initialInhibitAnyPolicy?: boolean;
}

/** {@link CertificatePolicy}, completed. */
export interface CompleteCertificatePolicy extends Required<Omit<CertificatePolicy, 'policies'>> {
  readonly policies: PolicyInputs;
}

/** Checks a certificate policy and completes it. */
export function checkCertificatePolicy(policy: CertificatePolicy = {}): CompleteCertificatePolicy {
  return checkEach(policy, 'certificates', {
    missingUsage: () => checkChoice(policy.missingUsage, 'certificates.missingUsage', ['deny', 'allow']),
    version1: () => checkChoice(policy.version1, 'certificates.version1', ['deny', 'allow']),
    authority: () => checkChoice(policy.authority, 'certificates.authority', ['deny', 'allow']),
    minRsaBits: () => checkInteger(policy.minRsaBits, 'certificates.minRsaBits', 2048, 1024, 8192),
    minEcBits: () => checkInteger(policy.minEcBits, 'certificates.minEcBits', 256, 192, 521),
    policies: () => checkPolicies(policy.policies),
  });
}

function checkPolicies(given: CertificatePolicy['policies']): PolicyInputs {
  if (given === undefined) return noPolicyInputs;
  const name = 'certificates.policies';
  if (isList(given))
    return Object.freeze({
      ...noPolicyInputs,
      initialPolicySet: checkOids(given, name),
      initialExplicitPolicy: true,
    });
  return checkEach(given, name, {
    initialPolicySet: () =>
      given.initialPolicySet === undefined
        ? undefined
        : checkOids(given.initialPolicySet, `${name}.initialPolicySet`),
    initialExplicitPolicy: () =>
      checkBoolean(given.initialExplicitPolicy, `${name}.initialExplicitPolicy`, false),
    initialPolicyMappingInhibit: () =>
      checkBoolean(given.initialPolicyMappingInhibit, `${name}.initialPolicyMappingInhibit`, false),
    initialInhibitAnyPolicy: () =>
      checkBoolean(given.initialInhibitAnyPolicy, `${name}.initialInhibitAnyPolicy`, false),
  });
}

function isList(given: readonly string[] | PolicyInputOptions): given is readonly string[] {
  return Array.isArray(given);
}

/** Dotted decimals: the first number is 0, 1 or 2. */
const dotted = /^[012](\.(0|[1-9]\d*))+$/;

function checkOids(given: readonly string[], name: string): readonly string[] {
  const isOid = (policy: unknown): boolean => typeof policy === 'string' && dotted.test(policy);
  if (!isList(given) || given.length === 0 || !given.every(isOid))
    throw invalid(name, given, "a list of object identifiers such as ['1.3.6.1.4.1.99999.1.2']");
  return Object.freeze([...given]);
}
