/**
 * The trust store: the configured CAs, which of them are trust anchors, and the certification paths that they form.
 *
 * @module
 */
import { type KeyObject } from 'node:crypto';
import { addPartialAnchors, append, byDistance, measure } from './ca-graph.js';
import { type Certificate } from './certificate.js';
import { isSelfIssued, mayIssue, mayMean } from './issuance.js';
import {
  type Authorities,
  type CertificateChain,
  groupByKey,
  type OfKey,
  possibleIssuers,
  PathSearch,
} from './path-search.js';
import { readKey } from './public-key.js';
import { type Signed, verifySignature } from './signature.js';

export type { CertificateChain };

/** The relations between the configured CAs. */
interface Links {
  /** The issuers of each CA. */
  readonly issuers: ReadonlyMap<Certificate, readonly Certificate[]>;
  readonly anchors: ReadonlySet<Certificate>;
  /** The CAs of each name by their keys; those nearest to a trust anchor first. */
  readonly named: NamedCas;
}

type NamedCas = ReadonlyMap<string, readonly OfKey[]>;

/** Keys that were read, and the keys that verified signatures. A store shares it with its successors. */
interface Verified {
  readonly keys: WeakMap<Buffer, KeyObject | undefined>;
  readonly signers: WeakMap<Signed, KeyObject>;
}

/** Determines which CAs may be trust anchors. */
interface StoreLinks {
  readonly partialChain?: 'deny' | 'allow' | undefined;
  readonly before?: CertificateStore | undefined;
  readonly predecessor?: CertificateStore | undefined;
}

/** The certificates of the configured CAs. Immutable. */
export class CertificateStore implements Authorities {
  readonly certificates: readonly Certificate[];
  readonly #bySignature = new Map<number, Certificate[]>();
  readonly #own = new Set<Certificate>();
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #verified: Verified;
  /** The key that verified the last signature, by the name of the configured CA. */
  readonly #lastSigners = new Map<string, Buffer>();
  #links: Links | undefined;
  readonly #partialChain: 'deny' | 'allow';
  /** Whether `before` restricts the trust anchors. */
  readonly isNarrowed: boolean;
  /** Set until the trust anchors are determined: see the constructor. */
  #before: CertificateStore | undefined;
  readonly #chains = new WeakMap<Certificate, CertificateChain>();

  /**
   * @param options - `partialChain: 'allow'` makes a CA without a configured root a trust anchor. With `before`, only
   *   trust anchors of that store can be trust anchors here. `predecessor`, by default `before`, is a store whose
   *   verified signatures are not verified again, neither those of its CAs nor those of clients.
   */
  constructor(
    certificates: readonly Certificate[],
    { partialChain = 'deny', before, predecessor = before }: StoreLinks = {},
  ) {
    this.#verified =
      predecessor === undefined ? { keys: new WeakMap(), signers: new WeakMap() } : predecessor.#verified;
    this.#partialChain = partialChain;
    this.#before = before;
    this.isNarrowed = before !== undefined;
    for (const given of certificates) {
      // Signatures and keys are remembered by object.
      const certificate = (predecessor === undefined ? undefined : predecessor.#configured(given)) ?? given;
      if (this.#configured(certificate) !== undefined) continue;
      append(this.#bySignature, endOfSignature(certificate), certificate);
      append(this.#bySubject, certificate.subject.canonical, certificate);
      this.#own.add(certificate);
    }
    this.certificates = Object.freeze([...this.#own]);
  }

  /** The CAs with this name. */
  named(canonicalName: string): readonly Certificate[] {
    return this.#bySubject.get(canonicalName) ?? [];
  }

  /** Whether the store has this certificate, compared by its bytes. */
  isConfigured(certificate: Certificate): boolean {
    return this.#configured(certificate) !== undefined;
  }

  /** The certificates of a CA's key. A renewed or cross-certified CA has several. */
  ofKey({ subject, publicKey }: Certificate): Certificate[] {
    return this.named(subject.canonical).filter((ca) => ca.publicKey.equals(publicKey));
  }

  /** Whether a certificate is a trust anchor: configured and self-signed, or the top of a partial chain. */
  isAnchor(certificate: Certificate): boolean {
    const configured = this.#configured(certificate);
    return configured !== undefined && this.#linked.anchors.has(configured);
  }

  /**
   * The configured CAs that may have issued a certificate, by name and authorityKeyIdentifier: grouped by key, those
   * nearest to a trust anchor first. The signature is not verified; for a configured certificate, see {@link
   * CertificateStore.verifiedIssuersOf}.
   */
  candidatesFor(certificate: Certificate): readonly OfKey[] {
    const name = certificate.issuer.canonical;
    const candidates = among(this.#linked.named.get(name), (ca) => mayMean(certificate, ca));
    const last = this.#lastSigners.get(name);
    if (last === undefined || candidates.length < 2) return candidates;
    // The order of the keys only affects speed: at most one of them made the signature.
    const isOfLast = ([ca]: OfKey): boolean => ca.publicKey.equals(last);
    return [...candidates.filter(isOfLast), ...candidates.filter((ofKey) => !isOfLast(ofKey))];
  }

  /** The configured issuers of a configured certificate; `undefined` for any other certificate. */
  verifiedIssuersOf(certificate: Certificate): readonly Certificate[] | undefined {
    const configured = this.#configured(certificate);
    return configured && this.#linked.issuers.get(configured);
  }

  /** The paths from the certificates of a CA's key to trust anchors. */
  chainsOf(ca: Certificate, at: Date): CertificateChain[] {
    return this.ofKey(ca).flatMap((each) => {
      const chain = this.chainOf(each, [], at);
      return chain === undefined ? [] : [chain];
    });
  }

  /**
   * Finds a path from a certificate to a trust anchor and verifies its signatures; other rules are not checked. If
   * there are several, it prefers one whose CAs are valid at `at`: while a CA is renewed, its old and its new
   * certificate are both configured.
   * @param others - Possible intermediates, such as those that a client sent. They do not become trusted.
   * @returns `undefined` if no path ends in a trust anchor.
   */
  chainOf(certificate: Certificate, others: readonly Certificate[], at: Date): CertificateChain | undefined {
    const known = this.#chains.get(certificate);
    const isCurrent = (ca: Certificate): boolean => ca.notBefore <= at && at < ca.notAfter;
    if (known?.slice(1).every(isCurrent) === true) return known;
    const search = new PathSearch(this, others);
    const chain =
      search.from(certificate, (_below, ca) => mayIssue(ca) && isCurrent(ca)).next().value ??
      known ??
      search.from(certificate, (_below, ca) => mayIssue(ca)).next().value;
    if (chain !== undefined) this.#chains.set(certificate, chain);
    return chain;
  }

  /** The configured certificate with the same bytes. Object identity is checked first, because it is cheaper. */
  #configured(certificate: Certificate): Certificate | undefined {
    if (this.#own.has(certificate)) return certificate;
    return this.#bySignature.get(endOfSignature(certificate))?.find(({ raw }) => raw.equals(certificate.raw));
  }

  /** Whether a signature verifies with a certificate's key; `false` if the key is unusable. */
  isSignedBy(signed: Signed, ca: Certificate): boolean {
    const key = this.#keyOf(ca.publicKey);
    if (key === undefined) return false;
    // Many clients send the same intermediate.
    if (this.#verified.signers.get(signed) === key) return true;
    if (!verifySignature(signed, key)) return false;
    this.#verified.signers.set(signed, key);
    // Not for certificates that clients send, which could have any number of names.
    if (this.#own.has(ca)) this.#lastSigners.set(ca.subject.canonical, ca.publicKey);
    return true;
  }

  #keyOf(publicKey: Buffer): KeyObject | undefined {
    if (!this.#verified.keys.has(publicKey)) this.#verified.keys.set(publicKey, readKey(publicKey));
    return this.#verified.keys.get(publicKey);
  }

  /**
   * The links between the configured CAs, verified at the first search. A server searches when it loads the CAs, so
   * that no client waits: hundreds of CAs that certify each other take hundreds of signature checks.
   */
  get #linked(): Links {
    if (this.#links !== undefined) return this.#links;
    // Reading a key takes longer than verifying a signature with it.
    for (const ofKey of groupByKey(this.certificates)) {
      const key = this.#keyOf(
        (ofKey.find(({ publicKey }) => this.#verified.keys.has(publicKey)) ?? ofKey[0]).publicKey,
      );
      for (const { publicKey } of ofKey) this.#verified.keys.set(publicKey, key);
    }
    // Grouped once: among hundreds of CAs of one name, grouping takes longer than everything else of a search.
    const groupAll = (order: (cas: readonly Certificate[]) => readonly Certificate[]): NamedCas =>
      new Map([...this.#bySubject].map(([name, cas]) => [name, groupByKey(order(cas))]));
    const unsorted = groupAll((cas) => cas);
    const issuers = new Map(this.certificates.map((ca) => [ca, this.#findIssuers(ca, unsorted)]));
    const anchors = new Set(
      this.certificates.filter((ca) => isSelfIssued(ca) && issuers.get(ca)?.includes(ca) === true),
    );
    if (this.#partialChain === 'allow') addPartialAnchors(anchors, issuers);
    for (const ca of anchors) if (this.#before?.isAnchor(ca) === false) anchors.delete(ca);
    this.#before = undefined;
    const distances = measure(anchors, issuers);
    // Without distances, a search among CAs that certify each other would try the longest paths first.
    const nearest = [...issuers].map(([ca, above]) => [ca, byDistance(above, distances)] as const);
    const named = groupAll((cas) => byDistance(cas, distances));
    this.#links = { issuers: new Map(nearest), anchors, named };
    return this.#links;
  }

  /** Finds the key that made the signature. All certificates of that key are issuers. */
  #findIssuers(certificate: Certificate, named: NamedCas): readonly Certificate[] {
    // A root is its own issuer, whatever its key identifiers are.
    const candidates = among(
      named.get(certificate.issuer.canonical),
      (ca) => ca === certificate || mayMean(certificate, ca),
    );
    const known = this.#verified.signers.get(certificate.signed);
    const signer = known && candidates.find(([ca]) => this.#keyOf(ca.publicKey) === known);
    if (signer !== undefined) return signer;
    // A CA that certifies many others of its name has usually certified the previous one.
    const last = this.#lastSigners.get(certificate.issuer.canonical);
    const isLikely = (ofKey: OfKey): boolean =>
      ofKey.includes(certificate) || last?.equals(ofKey[0].publicKey) === true;
    const likely = candidates.filter(isLikely);
    const others = candidates.filter((ofKey) => !likely.includes(ofKey));
    for (const ofKey of possibleIssuers(certificate.signed, [...likely, ...others]))
      if (this.isSignedBy(certificate.signed, ofKey[0])) return ofKey;
    return [];
  }
}

/** The certificates that satisfy a condition, without the keys that have none. */
function among(groups: readonly OfKey[] = [], isIncluded: (ca: Certificate) => boolean): readonly OfKey[] {
  return groups.flatMap((ofKey) => {
    const [first, ...others] = ofKey.filter(isIncluded);
    return first === undefined ? [] : [[first, ...others] as const];
  });
}

/** Finds a certificate. Only all of its bytes show whether it is the same. */
function endOfSignature({ raw }: Certificate): number {
  return raw.readInt32BE(raw.length - 4);
}

/**
 * Whether two paths begin with keys of one CA: they have the same name, and one key certified the other (RFC 4210
 * section 4.4) or the same CA certified both, because a CA gives a name to only one entity (RFC 5280 section
 * 4.1.2.6).
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

/** Whether a key belongs to the first certificate of a path, or to those with the same name directly above it. */
function hasCertified(chain: CertificateChain, { subject, publicKey }: Certificate): boolean {
  const end = chain.findIndex((ca) => !ca.subject.equals(subject));
  return chain.slice(0, end < 0 ? chain.length : end).some((ca) => ca.publicKey.equals(publicKey));
}
