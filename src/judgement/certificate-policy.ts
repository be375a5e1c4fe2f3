/**
 * Which certificates may be a client's: what is admitted that the defaults refuse.
 *
 * @module
 */
import { checkBoolean, checkChoice, checkEach, checkInteger, invalid } from '../option-checks.js';
import { noPolicyInputs, type PolicyInputs } from '../x509/policy-graph.js';

/** Which certificates may be a client's. The defaults refuse what was not made for clients, or with a short key. */
export interface CertificatePolicy {
  /**
   * What it means that a certificate has no extendedKeyUsage. `'deny'` refuses it; `'allow'` admits it, and with it
   * every server certificate that does not say what it is for. One that names other usages alone is always refused.
   * @defaultValue `'deny'`
   * @see RFC 5280 section 4.2.1.12
   */
  readonly missingUsage?: 'deny' | 'allow';
  /**
   * What a certificate of X.509 version 1 means, which can have no extensions: what old tutorials make. `'allow'`
   * admits every such certificate of the CAs, the server's own among them.
   * @defaultValue `'deny'`
   */
  readonly version1?: 'deny' | 'allow';
  /**
   * Whether the certificate of a CA may be used as a client's. With `'allow'`, anyone who has a CA's key is admitted
   * under that CA's name.
   * @defaultValue `'deny'`
   */
  readonly authority?: 'deny' | 'allow';
  /**
   * The shortest RSA key of a client, and of any CA above it, in bits. What OpenSSL refuses by its security level
   * it refuses all the same.
   * @defaultValue `2048`; an integer from 1024 to 8192
   */
  readonly minRsaBits?: number;
  /**
   * The shortest curve, in bits of its field.
   * @defaultValue `256`; an integer from 192 to 521
   */
  readonly minEcBits?: number;
  /**
   * The certificate policies (OIDs) that a path has to be valid for, where your PKI issues under policies. A list is
   * short for that `initialPolicySet` with `initialExplicitPolicy: true`: a client whose path has none of them is refused.
   * @defaultValue any policy, and none needed, as far as the CAs do not ask for one
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
   * The policies that are accepted, dotted. `'2.5.29.32.0'` is any.
   * @defaultValue any
   */
  readonly initialPolicySet?: readonly string[];
  /**
   * Whether the path has to be valid for one of them.
   * @defaultValue `false`
   */
  readonly initialExplicitPolicy?: boolean;
  /**
   * Whether policyMappings count for nothing.
   * @defaultValue `false`
   */
  readonly initialPolicyMappingInhibit?: boolean;
  /**
   * Whether anyPolicy in a certificate counts for nothing.
   * @defaultValue `false`
   */
  readonly initialInhibitAnyPolicy?: boolean;
}

/** {@link CertificatePolicy} with nothing left out. */
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
