/**
 * The graph of the configured CAs: which of them issued which.
 *
 * @module
 */
import { type Certificate } from './certificate.js';
import { mayIssue } from './issuance.js';

/** The issuers of each certificate, or the certificates that each one issued. */
type Neighbours = ReadonlyMap<Certificate, readonly Certificate[]>;

/**
 * Adds the CAs that have neither a configured root nor another configured issuer, and every CA of a cycle of CAs that
 * issued each other. A CA below a cycle is not a trust anchor, so its revocation is still checked.
 */
export function addPartialAnchors(anchors: Set<Certificate>, issuers: Neighbours): void {
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
  // A CA above a start is either in a cycle with it, or below a later start.
  for (const top of starts.reverse()) {
    if (reached.has(top)) continue;
    const circle = new Set<Certificate>();
    walk(top, above, circle);
    for (const ca of circle) anchors.add(ca);
    walk(top, below, reached);
  }
}

/** Adds a certificate and everything reachable from it that was not added before. */
function walk(from: Certificate, neighbours: Neighbours, seen: Set<Certificate>): void {
  const found = [from];
  // The loop also visits elements that are added during the iteration.
  for (const certificate of found) {
    if (seen.has(certificate)) continue;
    seen.add(certificate);
    found.push(...(neighbours.get(certificate) ?? []));
  }
}

/** The certificates that each CA issued. */
function invert(issuers: Neighbours): Map<Certificate, Certificate[]> {
  const issued = new Map<Certificate, Certificate[]>();
  for (const [certificate, above] of issuers) for (const ca of above) append(issued, ca, certificate);
  return issued;
}

/** The distance of each certificate from a trust anchor. */
export function measure(anchors: ReadonlySet<Certificate>, issuers: Neighbours): Map<Certificate, number> {
  const issued = invert(issuers);
  const distances = new Map([...anchors].map((anchor) => [anchor, 0]));
  // The loop also visits entries that are added during the iteration.
  for (const [ca, distance] of distances)
    for (const certificate of issued.get(ca) ?? [])
      if (!distances.has(certificate)) distances.set(certificate, distance + 1);
  return distances;
}

/** Sorts by distance from a trust anchor. */
export function byDistance(
  certificates: readonly Certificate[],
  distances: ReadonlyMap<Certificate, number>,
): readonly Certificate[] {
  if (certificates.length < 2) return certificates;
  const distanceOf = (ca: Certificate): number => distances.get(ca) ?? Infinity;
  return certificates.toSorted((one, other) => distanceOf(one) - distanceOf(other));
}

/** Adds a certificate to the list of a key. */
export function append<Key>(lists: Map<Key, Certificate[]>, key: Key, certificate: Certificate): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [certificate]);
  else list.push(certificate);
}
