/**
 * The configured CAs: which of them are trust anchors, who issued whom among them,
 * and the paths that they make for a certificate.
 *
 * @module
 */
import { type KeyObject } from 'node:crypto';
import { type Certificate } from './certificate.js';
import { isSelfIssued, mayIssue, mayMean } from './issuance.js';
import { type Authorities, type CertificateChain, groupByKey, PathSearch } from './path-search.js';
import { readKey } from './public-key.js';
import { type Signed, verifySignature } from './signature.js';

export type { CertificateChain };

/** What the configured CAs say of each other. */
interface Links {
  /** Who issued each of them. */
  readonly issuers: ReadonlyMap<Certificate, readonly Certificate[]>;
  readonly anchors: ReadonlySet<Certificate>;
  /** How many certificates stand above each until there is an anchor. */
  readonly distances: ReadonlyMap<Certificate, number>;
}

/** Which CAs may be trust anchors. */
interface StoreLinks {
  readonly partialChain?: 'deny' | 'allow' | undefined;
  readonly before?: CertificateStore | undefined;
}

/** Certificates of CAs, found by what they issued. Immutable. */
export class CertificateStore implements Authorities {
  readonly certificates: readonly Certificate[];
  readonly #byBytes: ReadonlyMap<string, Certificate>;
  readonly #own: ReadonlySet<Certificate>;
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #keys = new WeakMap<Buffer, KeyObject | undefined>();
  /** Whose signatures have been verified. */
  readonly #signers = new WeakMap<Signed, KeyObject>();
  /** By the name of a configured CA, the key that made the signature that was verified last. */
  readonly #lastSigners = new Map<string, Buffer>();
  #links: Links | undefined;
  readonly #partialChain: 'deny' | 'allow';
  /** Whether fewer CAs may be anchors than the certificates alone say. */
  readonly isNarrowed: boolean;
  /** Until the anchors are known: see the constructor. */
  #before: CertificateStore | undefined;
  readonly #chains = new WeakMap<Certificate, CertificateChain>();

  /**
   * @param options - `partialChain: 'allow'`: where no root is configured above a CA, the CA is a trust anchor itself.
   *   `before`: only what is an anchor there may be one here.
   */
  constructor(certificates: readonly Certificate[], { partialChain = 'deny', before }: StoreLinks = {}) {
    this.#partialChain = partialChain;
    this.#before = before;
    this.isNarrowed = before !== undefined;
    this.#byBytes = new Map(certificates.map((certificate) => [bytesOf(certificate), certificate]));
    this.certificates = Object.freeze([...this.#byBytes.values()]);
    this.#own = new Set(this.certificates);
    for (const certificate of this.certificates)
      append(this.#bySubject, certificate.subject.canonical, certificate);
  }

  /** The CAs of this name. */
  named(canonicalName: string): readonly Certificate[] {
    return this.#bySubject.get(canonicalName) ?? [];
  }

  /** Whether a certificate of the same bytes is among them. */
  isConfigured(certificate: Certificate): boolean {
    return this.#configured(certificate) !== undefined;
  }

  /** The certificates of a CA's key: one that was renewed, or that its own old key has certified, has several. */
  ofKey({ subject, publicKey }: Certificate): Certificate[] {
    return this.named(subject.canonical).filter((ca) => ca.publicKey.equals(publicKey));
  }

  /** Whether a path may end with a certificate: one that is configured and self-signed, or is a partial chain's. */
  isAnchor(certificate: Certificate): boolean {
    const configured = this.#configured(certificate);
    return configured !== undefined && this.#linked.anchors.has(configured);
  }

  /**
   * The configured CAs that may have issued a certificate, by name and authorityKeyIdentifier; those nearest to an
   * anchor first. Each has still to have signed it, unless the certificate is configured too: see {@link CertificateStore.verifiedIssuersOf}.
   */
  candidatesFor(certificate: Certificate): Certificate[] {
    const name = certificate.issuer.canonical;
    const candidates = this.named(name).filter((ca) => mayMean(certificate, ca));
    const sorted = byDistance(candidates, this.#linked.distances);
    const last = this.#lastSigners.get(name);
    if (last === undefined || sorted.length < 2) return sorted;
    // In which order keys are tried makes no difference but to the time: one of them has made the signature.
    const isOfLast = ({ publicKey }: Certificate): boolean => publicKey.equals(last);
    return [...sorted.filter(isOfLast), ...sorted.filter((ca) => !isOfLast(ca))];
  }

  /** The issuers of a configured certificate among the configured ones; `undefined` of any other. */
  verifiedIssuersOf(certificate: Certificate): readonly Certificate[] | undefined {
    const configured = this.#configured(certificate);
    return configured && this.#linked.issuers.get(configured);
  }

  /** The chains from the certificates of a CA's key to configured roots. */
  chainsOf(ca: Certificate, at: Date): CertificateChain[] {
    return this.ofKey(ca).flatMap((each) => {
      const chain = this.chainOf(each, [], at);
      return chain === undefined ? [] : [chain];
    });
  }

  /**
   * The chain of CAs from a certificate to a configured root, every signature verified; nothing else of a path is
   * checked. Of several, one whose CAs are
   * all in date at `at`, if there is one: when a CA is renewed, the old certificate and the new are both configured.
   * @param others - Certificates that may stand between, such as a client sent; they are not trusted for that.
   * @returns `undefined` where no chain ends in a configured self-signed root.
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

  /** The certificate of the same bytes. To compare them costs more than a step of a search. */
  #configured(certificate: Certificate): Certificate | undefined {
    return this.#own.has(certificate) ? certificate : this.#byBytes.get(bytesOf(certificate));
  }

  /** Whether a certificate's key made a signature. A key that cannot be used has made none. */
  isSignedBy(signed: Signed, ca: Certificate): boolean {
    const key = this.#keyOf(ca.publicKey);
    if (key === undefined) return false;
    // An intermediate comes with one client after the other.
    if (this.#signers.get(signed) === key) return true;
    if (!verifySignature(signed, key)) return false;
    this.#signers.set(signed, key);
    // Not of what clients send, which could be any number of names.
    if (this.#own.has(ca)) this.#lastSigners.set(ca.subject.canonical, ca.publicKey);
    return true;
  }

  #keyOf(publicKey: Buffer): KeyObject | undefined {
    if (!this.#keys.has(publicKey)) this.#keys.set(publicKey, readKey(publicKey));
    return this.#keys.get(publicKey);
  }

  /**
   * The links between the configured CAs, verified when the first path is looked for, which a server does when it loads
   * them: hundreds of CAs that certify each other take hundreds of signatures, which no client is to wait for.
   */
  get #linked(): Links {
    if (this.#links !== undefined) return this.#links;
    // To read a key takes longer than to verify a signature by it.
    for (const ofKey of groupByKey(this.certificates)) {
      const key = readKey(ofKey[0].publicKey);
      for (const { publicKey } of ofKey) this.#keys.set(publicKey, key);
    }
    const issuers = new Map(this.certificates.map((ca) => [ca, this.#findIssuers(ca)]));
    const anchors = new Set(
      this.certificates.filter((ca) => isSelfIssued(ca) && issuers.get(ca)?.includes(ca) === true),
    );
    if (this.#partialChain === 'allow') addPartialAnchors(anchors, issuers);
    for (const ca of anchors) if (this.#before?.isAnchor(ca) === false) anchors.delete(ca);
    this.#before = undefined;
    const distances = measure(anchors, issuers);
    // Without it, a search among CAs that all certify each other would go its longest ways first.
    const nearest = [...issuers].map(([ca, above]) => [ca, byDistance(above, distances)] as const);
    this.#links = { issuers: new Map(nearest), anchors, distances };
    return this.#links;
  }

  /** One key has made a signature, and all certificates of it may stand above. */
  #findIssuers(certificate: Certificate): readonly Certificate[] {
    const candidates = this.named(certificate.issuer.canonical).filter((ca) => mayMean(certificate, ca));
    // A root is its own issuer, whatever identifiers it has, and most have no other.
    const itself = isSelfIssued(certificate) ? [certificate] : [];
    const byKey = groupByKey([...new Set([...itself, ...candidates])]);
    return byKey.find(([ca]) => this.isSignedBy(certificate.signed, ca)) ?? [];
  }
}

type Neighbours = ReadonlyMap<Certificate, readonly Certificate[]>;

/**
 * Adds the CAs that no configured root leads to, and that no other CA has issued. Of CAs that have issued each other in a
 * circle all are added. A CA below a circle is no anchor, so that it is still asked about.
 */
function addPartialAnchors(anchors: Set<Certificate>, issuers: Neighbours): void {
  const reached = new Set(measure(anchors, issuers).keys());
  const above = new Map(
    [...issuers].flatMap(([ca, by]) => (mayIssue(ca) ? [[ca, by.filter(mayIssue)] as const] : [])),
  );
  const below = invert(above);
  const seen = new Set(reached);
  const starts: Certificate[] = [];
  for (const ca of above.keys()) {
    if (seen.has(ca)) continue;
    starts.push(ca);
    walk(ca, below, seen);
  }
  // What is above a start is below it too, in a circle with it, or else below a later start.
  for (const top of starts.reverse()) {
    if (reached.has(top)) continue;
    const circle = new Set<Certificate>();
    walk(top, above, circle);
    for (const ca of circle) anchors.add(ca);
    walk(top, below, reached);
  }
}

/** Adds a certificate and all that its neighbours lead to, past none that was added before. */
function walk(from: Certificate, neighbours: Neighbours, seen: Set<Certificate>): void {
  const found = [from];
  // An array is walked to what is added meanwhile.
  for (const certificate of found) {
    if (seen.has(certificate)) continue;
    seen.add(certificate);
    found.push(...(neighbours.get(certificate) ?? []));
  }
}

/** Whom each has issued. */
function invert(issuers: Neighbours): Map<Certificate, Certificate[]> {
  const issued = new Map<Certificate, Certificate[]>();
  for (const [certificate, above] of issuers) for (const ca of above) append(issued, ca, certificate);
  return issued;
}

/** How far each certificate is from an anchor. */
function measure(anchors: ReadonlySet<Certificate>, issuers: Neighbours): Map<Certificate, number> {
  const issued = invert(issuers);
  const distances = new Map([...anchors].map((anchor) => [anchor, 0]));
  // A map is walked to what is added meanwhile.
  for (const [ca, distance] of distances)
    for (const certificate of issued.get(ca) ?? [])
      if (!distances.has(certificate)) distances.set(certificate, distance + 1);
  return distances;
}

/** Those nearest to an anchor first. */
function byDistance(
  certificates: readonly Certificate[],
  distances: ReadonlyMap<Certificate, number>,
): Certificate[] {
  const distanceOf = (ca: Certificate): number => distances.get(ca) ?? Infinity;
  return certificates.toSorted((one, other) => distanceOf(one) - distanceOf(other));
}

function append<Key>(lists: Map<Key, Certificate[]>, key: Key, certificate: Certificate): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [certificate]);
  else list.push(certificate);
}

function bytesOf({ raw }: Certificate): string {
  return raw.toString('latin1');
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
