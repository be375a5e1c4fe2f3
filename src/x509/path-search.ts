/**
 * The search for certification paths: every way from a certificate to a trust
 * anchor, one after the other, within a budget.
 *
 * @module
 */
import { type Certificate } from './certificate.js';
import { mayMean } from './issuance.js';
import { type Signed } from './signature.js';

/** A certificate, its issuer, and so on to a trust anchor. */
export type CertificateChain = readonly Certificate[];

/** What a search asks the configured CAs. */
export interface Authorities {
  isAnchor(certificate: Certificate): boolean;
  isConfigured(certificate: Certificate): boolean;
  /** The issuers of a configured certificate among the configured ones; `undefined` of any other. */
  verifiedIssuersOf(certificate: Certificate): readonly Certificate[] | undefined;
  /** The configured CAs that may have issued a certificate, the likeliest first. */
  candidatesFor(certificate: Certificate): readonly Certificate[];
  isSignedBy(signed: Signed, ca: Certificate): boolean;
}

/** How much one search may do: certificates may all seem to have issued each other, and signatures are not cheap. */
export interface SearchLimits {
  /** Signatures verified. Those between configured CAs were verified when they were loaded. */
  readonly signatures: number;
  /** CAs looked at. */
  readonly steps: number;
  /** Paths given out. */
  readonly paths: number;
}

/** The default: a hundred CAs of one name, with room for what clients send. */
const searchLimits: SearchLimits = Object.freeze({ signatures: 128, steps: 2000, paths: 64 });

/**
 * For a client that is refused whatever is found, so that the search is for the reason alone: anyone can make a certificate
 * without an authorityKeyIdentifier, and a signature of P-521 takes more than a millisecond.
 */
export const reasonLimits: SearchLimits = Object.freeze({ ...searchLimits, signatures: 8 });

// RFC 5280 sets no limit; OpenSSL's is 100. Nothing in the field is deeper than five.
const maxPathLength = 10;

/** Whether a CA may stand above the certificates below it, the last of the path first. */
export type AdmitsIssuer = (below: CertificateChain, ca: Certificate) => boolean;

/** One search. Its budget is for all that is asked of it. */
export class PathSearch {
  readonly #store: Authorities;
  readonly #others: readonly Certificate[];
  readonly #left: { -readonly [Limit in keyof SearchLimits]: number };
  #isExhausted = false;
  #failed = 0;
  #verified = 0;
  readonly #avoided = new Set<Certificate>();
  readonly #issuers = new Map<Certificate, readonly Certificate[]>();

  /**
   * @param others - Certificates that may stand between, such as a client sent; they are not trusted for that.
   */
  constructor(store: Authorities, others: readonly Certificate[], limits: SearchLimits = searchLimits) {
    this.#store = store;
    this.#others = others.filter((other) => !store.isConfigured(other));
    this.#left = { ...limits };
  }

  /** How many signatures were by none of the keys that they were tried with. */
  get failedSignatures(): number {
    return this.#failed;
  }

  /** How many signatures were verified, whatever came of it. */
  get verifiedSignatures(): number {
    return this.#verified;
  }

  /** Whether the budget ended before the paths did. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Takes one of what is left; returns whether there was any. */
  #take(what: keyof SearchLimits): boolean {
    this.#isExhausted ||= this.#left[what] === 0;
    if (this.#isExhausted) return false;
    this.#left[what]--;
    return true;
  }

  /** No path from here on goes through this CA. */
  avoid(ca: Certificate): void {
    this.#avoided.add(ca);
  }

  /** Whether an issuer was found for a certificate of a path that was looked at. */
  hasIssuer(certificate: Certificate): boolean {
    return (this.#issuers.get(certificate) ?? []).length > 0;
  }

  /** The paths of a certificate, the likeliest first. */
  *from(certificate: Certificate, admits: AdmitsIssuer = () => true): Generator<CertificateChain, undefined> {
    yield* this.#extend([certificate], admits);
  }

  *#extend(path: CertificateChain, admits: AdmitsIssuer): Generator<CertificateChain, undefined> {
    const last = path.at(-1) as Certificate;
    if (this.#store.isAnchor(last)) {
      if (this.#take('paths')) yield path;
      return;
    }
    if (path.length >= maxPathLength) return;
    for (const ca of this.#issuersOf(last)) {
      if (this.#isAvoided(path)) return;
      if (this.#avoided.has(ca) || path.some((below) => isSameKey(below, ca))) continue;
      if (!this.#take('steps')) return;
      if (admits(path, ca)) yield* this.#extend([...path, ca], admits);
    }
  }

  #isAvoided(path: CertificateChain): boolean {
    return this.#avoided.size > 0 && path.some((certificate) => this.#avoided.has(certificate));
  }

  #issuersOf(certificate: Certificate): readonly Certificate[] {
    let issuers = this.#issuers.get(certificate);
    if (issuers === undefined) {
      issuers = [...this.#configuredIssuersOf(certificate), ...this.#sentIssuersOf(certificate)];
      this.#issuers.set(certificate, issuers);
    }
    return issuers;
  }

  #configuredIssuersOf(certificate: Certificate): readonly Certificate[] {
    const verified = this.#store.verifiedIssuersOf(certificate);
    if (verified !== undefined) return verified;
    return this.#signersAmong(certificate, this.#store.candidatesFor(certificate));
  }

  #sentIssuersOf(certificate: Certificate): readonly Certificate[] {
    const { canonical } = certificate.issuer;
    const candidates = this.#others.filter(
      (other) => other.subject.canonical === canonical && mayMean(certificate, other),
    );
    return this.#signersAmong(certificate, candidates);
  }

  /** Each key is tried once: a signature is by one of them, and all certificates of that one may stand above. */
  #signersAmong(certificate: Certificate, candidates: readonly Certificate[]): readonly Certificate[] {
    for (const ofKey of groupByKey(candidates)) {
      if (!this.#take('signatures')) return [];
      this.#verified++;
      if (this.#store.isSignedBy(certificate.signed, ofKey[0])) return ofKey;
      this.#failed++;
    }
    return [];
  }
}

/** Certificates of one key. */
type OfKey = readonly [Certificate, ...Certificate[]];

/** Certificates by their key, in the order in which the keys come first. */
export function groupByKey(certificates: readonly Certificate[]): readonly OfKey[] {
  const groups = new Map<string, [Certificate, ...Certificate[]]>();
  for (const certificate of certificates) {
    const key = certificate.publicKey.toString('latin1');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [certificate]);
    else group.push(certificate);
  }
  return [...groups.values()];
}

/** A path that comes back to a name and its key goes in a circle. */
function isSameKey(one: Certificate, other: Certificate): boolean {
  return one === other || (one.publicKey.equals(other.publicKey) && one.subject.equals(other.subject));
}
