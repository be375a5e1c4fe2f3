/**
 * The configured CAs, and the chains that they make: who issued a certificate,
 * up to a root that is trusted.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, KeyUsage } from './certificate.js';
import { verifySignature } from './signature.js';

/** A certificate, its issuer, and so on to a configured root. */
export type CertificateChain = readonly Certificate[];

// RFC 5280 sets no limit; OpenSSL's is 100. Nothing in the field is deeper than five.
const maxChainLength = 10;

/** Certificates of CAs, found by what they issued. Immutable. */
export class CertificateStore {
  readonly certificates: readonly Certificate[];
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #keys = new WeakMap<Certificate, KeyObject>();
  /** Chains that were verified: a chain costs two or three signatures, and a client comes back. */
  readonly #chains = new WeakMap<Certificate, CertificateChain>();

  constructor(certificates: readonly Certificate[]) {
    const distinct = new Map(
      certificates.map((certificate) => [certificate.raw.toString('latin1'), certificate]),
    );
    this.certificates = Object.freeze([...distinct.values()]);
    for (const certificate of this.certificates) {
      const name = certificate.subject.canonical;
      this.#bySubject.set(name, [...(this.#bySubject.get(name) ?? []), certificate]);
    }
  }

  /** The CAs of this name. */
  named(canonicalName: string): readonly Certificate[] {
    return this.#bySubject.get(canonicalName) ?? [];
  }

  /**
   * The chain from a certificate to a configured root, every signature verified.
   * @param others - Certificates that may stand between, such as a client sent; they are not trusted for that.
   * @returns `undefined` where no chain ends in a configured self-signed root.
   */
  chainOf(certificate: Certificate, others: readonly Certificate[] = []): CertificateChain | undefined {
    const known = this.#chains.get(certificate);
    if (known !== undefined) return known;
    const chain = this.#extend([certificate], others);
    if (chain !== undefined) this.#chains.set(certificate, chain);
    return chain;
  }

  #extend(chain: CertificateChain, others: readonly Certificate[]): CertificateChain | undefined {
    const last = chain.at(-1) as Certificate;
    if (this.#isRoot(last)) return chain;
    if (chain.length >= maxChainLength) return undefined;
    for (const issuer of this.issuersOf(last, others)) {
      if (chain.includes(issuer)) continue;
      const longer = this.#extend([...chain, issuer], others);
      if (longer !== undefined) return longer;
    }
    return undefined;
  }

  /** The CAs that issued a certificate: by name, key identifier, CA flag, keyCertSign, and signature. */
  issuersOf(certificate: Certificate, others: readonly Certificate[] = []): Certificate[] {
    const wanted = certificate.issuer.canonical;
    const candidates = [
      ...this.named(wanted),
      ...others.filter(({ subject }) => subject.canonical === wanted),
    ];
    return candidates.filter(
      (ca) =>
        mayIssue(ca) &&
        keyIdentifiersAgree(certificate.authorityKeyId, ca.subjectKeyId) &&
        verifySignature(certificate.signed, this.keyOf(ca)),
    );
  }

  /** The public key of a certificate. */
  keyOf(certificate: Certificate): KeyObject {
    let key = this.#keys.get(certificate);
    if (key === undefined) {
      key = createPublicKey({ key: certificate.publicKey, format: 'der', type: 'spki' });
      this.#keys.set(certificate, key);
    }
    return key;
  }

  #isRoot(certificate: Certificate): boolean {
    const { canonical } = certificate.subject;
    if (canonical !== certificate.issuer.canonical) return false;
    const configured = this.named(canonical).some(({ raw }) => raw.equals(certificate.raw));
    return configured && verifySignature(certificate.signed, this.keyOf(certificate));
  }
}

/** Whether a certificate says it is a CA; one of version 1 cannot say, and is believed where it is configured. */
export function isCa(certificate: Certificate): boolean {
  return certificate.basicConstraints?.ca ?? (certificate.version < 3 && isSelfIssued(certificate));
}

/** Whether subject and issuer are one name. */
export function isSelfIssued(certificate: Certificate): boolean {
  return certificate.subject.equals(certificate.issuer);
}

function mayIssue(ca: Certificate): boolean {
  return isCa(ca) && (ca.keyUsage === undefined || (ca.keyUsage & KeyUsage.keyCertSign) !== 0);
}

/** Whether an authorityKeyIdentifier may mean this CA: identifiers decide only where both sides have one. */
export function keyIdentifiersAgree(
  authorityKeyId: string | undefined,
  subjectKeyId: string | undefined,
): boolean {
  return authorityKeyId === undefined || subjectKeyId === undefined || authorityKeyId === subjectKeyId;
}
