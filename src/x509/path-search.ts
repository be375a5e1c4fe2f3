/**
 * The search for certification paths: yields the paths from a certificate to a trust anchor, within a budget.
 *
 * @module
 */
import { type Certificate } from './certificate.js';
import { mayMean } from './issuance.js';
import { possibleSigners } from './key-recovery.js';
import { type Signed } from './signature.js';

/** A certificate, its issuer, and so on to a trust anchor. */
export type CertificateChain = readonly Certificate[];

/** What a search needs of the configured CAs. */
export interface Authorities {
  isAnchor(certificate: Certificate): boolean;
  isConfigured(certificate: Certificate): boolean;
  /** The configured issuers of a configured certificate; `undefined` for any other certificate. */
  verifiedIssuersOf(certificate: Certificate): readonly Certificate[] | undefined;
  /** The configured CAs that may have issued a certificate, grouped by key, the likeliest first. */
  candidatesFor(certificate: Certificate): readonly OfKey[];
  isSignedBy(signed: Signed, ca: Certificate): boolean;
}

/**
 * The limits of one search. Certificates may all claim to have issued each other, and verifying signatures is
 * expensive.
 */
export interface SearchLimits {
  /**
   * The number of verified signatures, without those between configured CAs, which are verified when they are loaded.
   */
  readonly signatures: number;
  /** The number of visited CAs. */
  readonly steps: number;
  /** The number of yielded paths. */
  readonly paths: number;
}

/** The default: enough for a hundred CAs with one name, and for the certificates that clients send. */
const searchLimits: SearchLimits = Object.freeze({ signatures: 128, steps: 2000, paths: 64 });

/**
 * For a client that is refused in any case, where the search only finds the reason: anyone can make a certificate
 * without an authorityKeyIdentifier, and verifying a P-521 signature takes more than a millisecond.
 */
export const reasonLimits: SearchLimits = Object.freeze({ ...searchLimits, signatures: 8 });

// RFC 5280 sets no limit; that of OpenSSL is 100. Real paths have at most five CAs.
const maxPathLength = 10;

/** Whether a CA may follow in a path. `below` has the last certificate of the path first. */
export type AdmitsIssuer = (below: CertificateChain, ca: Certificate) => boolean;

/** One search. All its calls share one budget. */
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
   * @param others - Possible intermediates, such as those that a client sent. They do not become trusted.
   */
  constructor(store: Authorities, others: readonly Certificate[], limits: SearchLimits = searchLimits) {
    this.#store = store;
    this.#others = others.filter((other) => !store.isConfigured(other));
    this.#left = { ...limits };
  }

  /** How many signatures did not verify with any tried key. */
  get failedSignatures(): number {
    return this.#failed;
  }

  /** How many signatures were verified, whatever came of it. */
  get verifiedSignatures(): number {
    return this.#verified;
  }

  /** Whether the budget was exhausted before all paths were found. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Takes one from a part of the budget. Returns whether there was one. */
  #take(what: keyof SearchLimits): boolean {
    this.#isExhausted ||= this.#left[what] === 0;
    if (this.#isExhausted) return false;
    this.#left[what]--;
    return true;
  }

  /** Excludes a CA from all further paths. */
  avoid(ca: Certificate): void {
    this.#avoided.add(ca);
  }

  /** Whether an issuer of a visited certificate was found. */
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
    return this.#signersAmong(certificate, groupByKey(candidates));
  }

  /** Tries each key once. All certificates of the key that made the signature are issuers. */
  #signersAmong(certificate: Certificate, candidates: readonly OfKey[]): readonly Certificate[] {
    for (const ofKey of possibleIssuers(certificate.signed, candidates)) {
      if (!this.#take('signatures')) return [];
      this.#verified++;
      if (this.#store.isSignedBy(certificate.signed, ofKey[0])) return ofKey;
      this.#failed++;
    }
    return [];
  }
}

/** Certificates of one key. */
export type OfKey = readonly [Certificate, ...Certificate[]];

/** Groups certificates by key, in the order of the first occurrence of each key. */
export function groupByKey(certificates: readonly Certificate[]): readonly OfKey[] {
  const [first] = certificates;
  if (first === undefined) return [];
  if (certificates.length === 1) return [[first]];
  const groups = new Map<string, [Certificate, ...Certificate[]]>();
  for (const certificate of certificates) {
    const key = certificate.publicKey.toString('latin1');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [certificate]);
    else group.push(certificate);
  }
  return [...groups.values()];
}

// Finding the key costs as much as verifying four or five signatures.
const fewKeys = 4;
const likelyKeys = 2;

/**
 * The keys that may have made a signature, which must be verified. The first two are yielded without a search: often one
 * CA has issued all certificates, and a root its own.
 */
export function* possibleIssuers(signed: Signed, groups: readonly OfKey[]): Generator<OfKey, undefined> {
  yield* groups.slice(0, likelyKeys);
  const others = groups.slice(likelyKeys);
  if (others.length <= fewKeys) {
    yield* others;
    return;
  }
  const byKey = new Map(others.map((ofKey) => [ofKey[0].publicKey, ofKey]));
  for (const key of possibleSigners(signed, [...byKey.keys()])) yield byKey.get(key) as OfKey;
}

/** A path that repeats a name and key is a cycle. */
function isSameKey(one: Certificate, other: Certificate): boolean {
  return one === other || (one.publicKey.equals(other.publicKey) && one.subject.equals(other.subject));
}
