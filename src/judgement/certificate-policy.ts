/**
 * Which certificates may be a client's: what is admitted that the defaults refuse.
 *
 * @module
 */
import { checkChoice, checkEach, checkInteger } from '../option-checks.js';

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
}

/** {@link CertificatePolicy} with nothing left out. */
export type CompleteCertificatePolicy = Required<CertificatePolicy>;

/** Checks a certificate policy and completes it. */
export function checkCertificatePolicy(policy: CertificatePolicy = {}): CompleteCertificatePolicy {
  return checkEach(policy, 'certificates', {
    missingUsage: () => checkChoice(policy.missingUsage, 'certificates.missingUsage', ['deny', 'allow']),
    version1: () => checkChoice(policy.version1, 'certificates.version1', ['deny', 'allow']),
    authority: () => checkChoice(policy.authority, 'certificates.authority', ['deny', 'allow']),
    minRsaBits: () => checkInteger(policy.minRsaBits, 'certificates.minRsaBits', 2048, 1024, 8192),
    minEcBits: () => checkInteger(policy.minEcBits, 'certificates.minEcBits', 256, 192, 521),
  });
}
