/**
 * Which certificates and which reasons a CRL covers: RFC 5280 section 6.3.3, steps (b), (d) and (e).
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { isCa } from '../x509/issuance.js';
import { DistinguishedName } from '../x509/distinguished-name.js';
import {
  type DistributionPoint,
  type DistributionPointName,
  type IssuingDistributionPoint,
} from '../x509/distribution-point.js';
import { canonicalGeneralName } from '../x509/general-name.js';

/** The bits of ReasonFlags that mean a reason (section 4.2.1.13): 1 to 8. Bit 0 is unused. */
export const allReasons = 0x1fe;

/** The part of a CRL that {@link reasonsCovered} needs. */
export interface ScopedCrl {
  readonly issuer: DistinguishedName;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
}

/** The distribution points to consult: those of the certificate, then its issuer. */
export function distributionPointsOf(certificate: Certificate): readonly DistributionPoint[] {
  const implicit: DistributionPoint = {
    name: { kind: 'full', names: [{ kind: 'directoryName', value: certificate.issuer }] },
    reasons: undefined,
    crlIssuer: undefined,
  };
  return [...certificate.crlDistributionPoints, implicit];
}

/** The reasons for which `crl` covers `certificate` at `point`; 0 if it does not cover it. */
export function reasonsCovered(crl: ScopedCrl, certificate: Certificate, point: DistributionPoint): number {
  const scope = crl.issuingDistributionPoint;
  if (!isIssuerMeant(crl, certificate, point)) return 0;
  const wanted = (point.reasons ?? allReasons) & allReasons;
  if (scope === undefined) return wanted;
  if (!isKindCovered(scope, certificate)) return 0;
  if (scope.name !== undefined && !isPointMeant(scope.name, crl.issuer, certificate, point)) return 0;
  return (scope.onlySomeReasons ?? allReasons) & wanted;
}

// Step (b)(1).
function isIssuerMeant(crl: ScopedCrl, certificate: Certificate, point: DistributionPoint): boolean {
  if (point.crlIssuer === undefined) return crl.issuer.equals(certificate.issuer);
  return (
    crl.issuingDistributionPoint?.indirect === true && point.crlIssuer.some((name) => name.equals(crl.issuer))
  );
}

// Step (b)(2)(ii) to (iv).
function isKindCovered({ onlyContains }: IssuingDistributionPoint, certificate: Certificate): boolean {
  if (onlyContains === 'userCertificates') return !isCa(certificate);
  if (onlyContains === 'caCertificates') return isCa(certificate);
  return onlyContains === 'all';
}

// Step (b)(2)(i): one common name is enough, and all names count.
function isPointMeant(
  name: DistributionPointName,
  crlIssuer: DistinguishedName,
  certificate: Certificate,
  point: DistributionPoint,
): boolean {
  const ours = namesOf(name, crlIssuer);
  const theirs = point.name
    ? namesOf(point.name, point.crlIssuer?.[0] ?? certificate.issuer)
    : (point.crlIssuer ?? []).map((value) => canonicalGeneralName({ kind: 'directoryName', value }));
  return theirs.some((text) => ours.includes(text));
}

/** The canonical names of a distribution point. A relative name is appended to `issuer`, the issuer of the CRL. */
export function namesOf(name: DistributionPointName, issuer: DistinguishedName): string[] {
  if (name.kind === 'full') return name.names.map(canonicalGeneralName);
  return [
    canonicalGeneralName({ kind: 'directoryName', value: new DistinguishedName([...issuer.rdns, name.rdn]) }),
  ];
}
