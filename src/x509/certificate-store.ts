/**
 * The configured CAs, and the chains that they make: who issued a certificate,
 * up to a root that is trusted.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, KeyUsage } from './certificate.js';
import { type Signed, verifySignature } from './signature.js';

/** A certificate, its issuer, and so on to a configured root. */
export type CertificateChain = readonly Certificate[];

// RFC 5280 sets no limit; OpenSSL's is 100. Nothing in the field is deeper than five.
const maxChainLength = 10;

/** Certificates of CAs, found by what they issued. Immutable. */
export class CertificateStore {
  readonly certificates: readonly Certificate[];
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #keys = new WeakMap<Buffer, KeyObject | undefined>();
  readonly #roots = new WeakMap<Certificate, boolean>();
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

  /** The certificates of a CA's key: one that was renewed, or that its own old key has certified, has several. */
  ofKey({ subject, publicKey }: Certificate): Certificate[] {
    return this.named(subject.canonical).filter((ca) => ca.publicKey.equals(publicKey));
  }

  /** The chains from the certificates of a CA's key to configured roots. */
  chainsOf(ca: Certificate, at: Date): CertificateChain[] {
    return this.ofKey(ca).flatMap((each) => {
      const chain = this.chainOf(each, [], at);
      return chain === undefined ? [] : [chain];
    });
  }

  /**
   * The chain from a certificate to a configured root, every signature verified. Of several, one whose CAs are
   * all in date at `at`, if there is one: when a CA is renewed, the old certificate and the new are both configured.
   * @param others - Certificates that may stand between, such as a client sent; they are not trusted for that.
   * @returns `undefined` where no chain ends in a configured self-signed root.
   */
  chainOf(certificate: Certificate, others: readonly Certificate[], at: Date): CertificateChain | undefined {
    const known = this.#chains.get(certificate);
    const isCurrent = (ca: Certificate): boolean => ca.notBefore <= at && at < ca.notAfter;
    if (known?.slice(1).every(isCurrent) === true) return known;
    const search = new Search(isCurrent);
    let chain = this.#extend([certificate], others, search) ?? known;
    if (chain === undefined && search.metOutOfDate) {
      chain = this.#extend([certificate], others, new Search(() => true));
    }
    if (chain !== undefined) this.#chains.set(certificate, chain);
    return chain;
  }

  #extend(
    chain: CertificateChain,
    others: readonly Certificate[],
    search: Search,
  ): CertificateChain | undefined {
    const last = chain.at(-1) as Certificate;
    if (this.#isRoot(last)) return chain;
    if (chain.length >= maxChainLength) return undefined;
    for (const issuer of this.#candidates(last, others)) {
      if (!search.mayTry(issuer) || !this.#hasSigned(issuer, last)) continue;
      search.enter(issuer);
      const longer = this.#extend([...chain, issuer], others, search);
      if (longer !== undefined) return longer;
    }
    return undefined;
  }

  /** The CAs that may have issued a certificate, by name, key identifier, CA flag and keyCertSign. */
  #candidates(certificate: Certificate, others: readonly Certificate[]): Certificate[] {
    const wanted = certificate.issuer.canonical;
    const sent = others.filter(({ subject }) => subject.canonical === wanted);
    return [...this.named(wanted), ...sent].filter(
      (ca) => mayIssue(ca) && keyIdentifiersAgree(certificate.authorityKeyId, ca.subjectKeyId),
    );
  }

  #hasSigned(ca: Certificate, certificate: Certificate): boolean {
    return this.isSignedBy(certificate.signed, ca);
  }

  /** Whether a certificate's key made a signature. A key that cannot be used has made none. */
  isSignedBy(signed: Signed, { publicKey }: Certificate): boolean {
    const key = this.#keyOf(publicKey);
    return key !== undefined && verifySignature(signed, key);
  }

  #keyOf(publicKey: Buffer): KeyObject | undefined {
    if (!this.#keys.has(publicKey)) this.#keys.set(publicKey, readKey(publicKey));
    return this.#keys.get(publicKey);
  }

  #isRoot(certificate: Certificate): boolean {
    const { canonical } = certificate.subject;
    if (canonical !== certificate.issuer.canonical) return false;
    const configured = this.named(canonical).find(({ raw }) => raw.equals(certificate.raw));
    if (configured === undefined) return false;
    let isRoot = this.#roots.get(configured);
    if (isRoot === undefined) {
      isRoot = this.#hasSigned(configured, configured);
      this.#roots.set(configured, isRoot);
    }
    return isRoot;
  }
}

/**
 * Whether two chains begin with keys of one CA: of one name, and one of them certified by the other (RFC 4210 section
 * 4.4), or both by the same CA, which may give a name to one entity only (RFC 5280 section 4.1.2.6).
 */
export function isSameCa(left: CertificateChain, right: CertificateChain): boolean {
  const [one, aboveOne] = left;
  const [other, aboveOther] = right;
  if (one === undefined || other === undefined || !one.subject.equals(other.subject)) return false;
  if (hasCertified(left, other) || hasCertified(right, one)) return true;
  return (
    aboveOne !== undefined && aboveOther !== undefined && aboveOne.publicKey.equals(aboveOther.publicKey)
  );
}

/** Whether a key is that of the first certificate of a chain, or of those of the same name right above it. */
function hasCertified(chain: CertificateChain, { subject, publicKey }: Certificate): boolean {
  const end = chain.findIndex((ca) => !ca.subject.equals(subject));
  return chain.slice(0, end < 0 ? chain.length : end).some((ca) => ca.publicKey.equals(publicKey));
}

// What a search for a chain may cost: real ones need one signature for each certificate, and a few for renewals.
const maxSignatures = 16;

/**
 * Where one search has been. Each CA is entered once, and few signatures are checked: a client may send certificates
 * that all seem to have issued each other, and there are more orders of them than anybody can try.
 */
class Search {
  /** Whether a CA was passed over because it was not in date. */
  metOutOfDate = false;
  readonly #seen = new Set<string>();
  readonly #isCurrent: (ca: Certificate) => boolean;
  #signatures = 0;

  constructor(isCurrent: (ca: Certificate) => boolean) {
    this.#isCurrent = isCurrent;
  }

  mayTry(ca: Certificate): boolean {
    if (!this.#isCurrent(ca)) {
      this.metOutOfDate = true;
      return false;
    }
    return !this.#seen.has(ca.raw.toString('latin1')) && this.#signatures++ < maxSignatures;
  }

  enter(ca: Certificate): void {
    this.#seen.add(ca.raw.toString('latin1'));
  }
}

// A key costs what its maker wants it to cost: 16,384 bits with a long exponent take ten milliseconds a signature.
const maxModulusBits = 8192;
const maxExponent = 2n ** 32n;

function readKey(publicKey: Buffer): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
    const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
    return modulusLength <= maxModulusBits && publicExponent <= maxExponent ? key : undefined;
  } catch {
    return undefined;
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
