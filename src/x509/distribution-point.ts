/**
 * Distribution points of certificates (RFC 5280 section 4.2.1.13), and the issuing distribution point of a CRL
 * (section 5.2.5).
 *
 * @module
 */
import { context, type DerReader, Tag } from './der.js';
import { type DistinguishedName, readRdn } from './distinguished-name.js';
import { type GeneralName, readGeneralNames } from './general-name.js';
import { type RelativeDistinguishedName } from './name-attribute.js';

/** The name of a distribution point: full names, or a part that is appended to the name of the issuer. */
export type DistributionPointName =
  | { readonly kind: 'full'; readonly names: readonly GeneralName[] }
  | { readonly kind: 'relative'; readonly rdn: RelativeDistinguishedName };

/** One distribution point of a certificate. */
export interface DistributionPoint {
  readonly name: DistributionPointName | undefined;
  /** The reasons it covers, as bits of ReasonFlags; `undefined` means all. */
  readonly reasons: number | undefined;
  /** The issuer of its CRL, if it is not the issuer of the certificate. */
  readonly crlIssuer: readonly DistinguishedName[] | undefined;
}

/** Reads the content of a CRLDistributionPoints. */
export function readDistributionPoints(sequence: DerReader): DistributionPoint[] {
  const points: DistributionPoint[] = [];
  while (!sequence.done) {
    const point = sequence.enter(Tag.sequence);
    const name = point.enterOptional(context(0, 'constructed'));
    const read = {
      name: name && readDistributionPointName(name),
      reasons: point.at(context(1, 'primitive')) ? point.namedBits(context(1, 'primitive')) : undefined,
      crlIssuer: readDirectoryNames(point.enterOptional(context(2, 'constructed'))),
    };
    point.finish();
    points.push(read);
  }
  return points;
}

/** Reads the content of a DistributionPointName's EXPLICIT tag. */
function readDistributionPointName(explicit: DerReader): DistributionPointName {
  const full = explicit.enterOptional(context(0, 'constructed'));
  const name: DistributionPointName =
    full === undefined
      ? { kind: 'relative', rdn: readRdn(explicit.enter(context(1, 'constructed'))) }
      : { kind: 'full', names: readGeneralNames(full) };
  explicit.finish();
  return name;
}

function readDirectoryNames(names: DerReader | undefined): DistinguishedName[] | undefined {
  if (names === undefined) return undefined;
  return readGeneralNames(names).flatMap((name) => (name.kind === 'directoryName' ? [name.value] : []));
}

/** What a CRL covers (RFC 5280 section 5.2.5). */
export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly onlyContains: 'all' | 'userCertificates' | 'caCertificates' | 'attributeCertificates' | 'nothing';
  /** Bits of ReasonFlags; `undefined` means all reasons. */
  readonly onlySomeReasons: number | undefined;
  /** Whether entries may be for certificates of other issuers. */
  readonly indirect: boolean;
  /** The DER of the extension. A delta CRL has the same scope as its base only if these are equal. */
  readonly der: Buffer;
}

/** Reads an IssuingDistributionPoint. */
export function readIssuingDistributionPoint(value: DerReader): IssuingDistributionPoint {
  const sequence = value.enter(Tag.sequence);
  const der = value.element;
  value.finish();
  // Section 5.2.5. An empty one would be a separate scope beside the same CRL without it.
  if (sequence.done)
    value.fail('has an empty issuingDistributionPoint (RFC 5280 section 5.2.5)', value.elementStart);
  const name = sequence.enterOptional(context(0, 'constructed'));
  const read = {
    name: name && readDistributionPointName(name),
    user: readFlag(sequence, 1),
    ca: readFlag(sequence, 2),
    onlySomeReasons: sequence.at(context(3, 'primitive'))
      ? sequence.namedBits(context(3, 'primitive'))
      : undefined,
    indirect: readFlag(sequence, 4),
    attribute: readFlag(sequence, 5),
  };
  sequence.finish();
  const only = [
    ...(read.user ? (['userCertificates'] as const) : []),
    ...(read.ca ? (['caCertificates'] as const) : []),
    ...(read.attribute ? (['attributeCertificates'] as const) : []),
  ];
  const { name: pointName, onlySomeReasons, indirect } = read;
  // Section 5.2.5: at most one of the three may be set. Together they cover nothing.
  return {
    name: pointName,
    onlyContains: only.length > 1 ? 'nothing' : (only[0] ?? 'all'),
    onlySomeReasons,
    indirect,
    der,
  };
}

function readFlag(sequence: DerReader, number: number): boolean {
  const tag = context(number, 'primitive');
  return sequence.at(tag) && sequence.boolean(tag);
}
