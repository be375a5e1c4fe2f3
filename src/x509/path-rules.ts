/**
 * The rules of RFC 5280 section 6.1 for a certification path, except those for signatures, dates and policies.
 *
 * @module
 */
import { KeyUsage } from './certificate-extensions.js';
import { type Certificate } from './certificate.js';
import { type ComparisonBudget, findViolation } from './constrained-names.js';
import { describeExtension } from './extension-name.js';
import { isCa, isSelfIssued } from './issuance.js';
import { type CertificateChain } from './path-search.js';
import { describePurpose } from './purpose.js';
import { shorten } from './string.js';

/** A fault of a path, as data. */
export interface PathFault {
  /**
   * `'role'`: a certificate above may not issue certificates; `'issuer'`: a CA above does not permit this one;
   * `'extension'`: an unsupported critical extension; `'signature'`: a weak signature.
   */
  readonly kind: 'role' | 'issuer' | 'extension' | 'signature';
  /** What was seen, with the certificate and the extension. */
  readonly seen: string;
  readonly remedy: string;
}

/** What a path is required for. */
export interface PathNeeds {
  /** The purpose that every CA with extendedKeyUsage must list, dotted; `undefined` for any. */
  readonly purpose: string | undefined;
  /** The remaining number of name comparisons. */
  readonly comparisons: ComparisonBudget;
}

/** The maximum number of name comparisons for one path, or for all paths of one client. */
export const maxComparisons = 25_000;

/** Checks a whole path. */
export function faultOfPath([leaf, ...above]: CertificateChain, needs: PathNeeds): PathFault | undefined {
  if (leaf === undefined) return undefined;
  const below = [leaf];
  let fault = faultOfLeaf(leaf);
  for (const ca of above) {
    fault ??= faultOfIssuer(below, ca, needs);
    below.push(ca);
  }
  return fault;
}

/** Checks only the last certificate of a path. */
export function faultOfLeaf(leaf: Certificate): PathFault | undefined {
  const [unknown] = leaf.unknownCriticalExtensions;
  if (unknown !== undefined) return notUnderstood('it', unknown);
  if (leaf.nameConstraints !== undefined && !isCa(leaf))
    return {
      kind: 'issuer',
      seen: 'it has nameConstraints (2.5.29.30), which only a CA may have',
      remedy: 'reissue it without that extension',
    };
  const fault = faultOfSignature(leaf, true);
  // The signature of a root is not verified: a root is trusted because it is configured.
  return fault !== undefined && isSelfIssued(leaf) ? undefined : fault;
}

/**
 * Checks a CA against the certificates below it.
 * @param below - The certificates below the CA, the last of the path first.
 */
export function faultOfIssuer(
  below: readonly Certificate[],
  ca: Certificate,
  { purpose, comparisons }: PathNeeds,
): PathFault | undefined {
  const issued = below.at(-1) as Certificate;
  return (
    faultOfVersion(issued, issued === below[0]) ??
    faultOfRole(ca) ??
    faultOfPurpose(ca, purpose) ??
    faultOfLength(below, ca) ??
    faultOfSignature(issued, issued === below[0]) ??
    faultOfNames(below, ca, comparisons)
  );
}

/** The name in quotes. A function, because formatting a name takes longer than the checks and is rarely needed. */
function nameOf({ subject }: Certificate): string {
  return `"${shorten(subject.describe())}"`;
}

function faultOfRole(ca: Certificate): PathFault | undefined {
  if (!isCa(ca))
    return {
      kind: 'role',
      seen: `${nameOf(ca)}, an issuer above it, is not a CA (its basicConstraints lack CA:TRUE)`,
      remedy:
        'have a CA issue the certificate, or reissue the CA certificate with basicConstraints = CA:TRUE',
    };
  if (ca.keyUsage !== undefined && (ca.keyUsage & KeyUsage.keyCertSign) === 0)
    return {
      kind: 'role',
      seen: `${nameOf(ca)}, an issuer above it, may not sign certificates (its keyUsage lacks keyCertSign)`,
      remedy: 'reissue the certificate of that CA with keyUsage = keyCertSign',
    };
  const [unknown] = ca.unknownCriticalExtensions;
  return unknown === undefined ? undefined : notUnderstood(`${nameOf(ca)}, a CA above it,`, unknown);
}

/**
 * RFC 5280 section 6.1.4 (k): a certificate before version 3 cannot declare itself a CA, so it is only accepted as a
 * trust anchor.
 */
function faultOfVersion({ subject, version }: Certificate, isLeaf: boolean): PathFault | undefined {
  if (isLeaf || version >= 3) return undefined;
  return {
    kind: 'role',
    seen: `"${shorten(subject.describe())}", an issuer above it, is of X.509 version ${version} and not a trust anchor, so it cannot declare itself a CA`,
    remedy: 'reissue the certificate of that CA with basicConstraints = CA:TRUE',
  };
}

function notUnderstood(which: string, oid: string): PathFault {
  return {
    kind: 'extension',
    seen: `${which} has the critical extension ${describeExtension(oid)}, which is not supported`,
    remedy: 'reissue that certificate without the extension, or make it non-critical',
  };
}

/** As in OpenSSL and the Web PKI: the extendedKeyUsage of a CA restricts the certificates below it. */
function faultOfPurpose(ca: Certificate, purpose: string | undefined): PathFault | undefined {
  const { extendedKeyUsage: usages } = ca;
  if (purpose === undefined || usages === undefined || usages.includes(purpose)) return undefined;
  const wanted = describePurpose(purpose);
  return {
    kind: 'issuer',
    seen: `${nameOf(ca)}, a CA above it, is only for ${shorten(usages.map(describePurpose).join(', '))} (extendedKeyUsage)`,
    remedy: `reissue the certificate of that CA without extendedKeyUsage, or with ${wanted}`,
  };
}

/** RFC 5280 section 4.2.1.9: counts the intermediate certificates that are not self-issued. */
function faultOfLength(below: readonly Certificate[], ca: Certificate): PathFault | undefined {
  const pathLength = ca.basicConstraints?.pathLength;
  if (pathLength === undefined) return undefined;
  const between = below.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  if (between <= pathLength) return undefined;
  return {
    kind: 'issuer',
    seen: `${nameOf(ca)} may have ${pathLength} CAs below it (basicConstraints, pathLenConstraint), but there are ${between}`,
    remedy:
      'have a CA closer to it issue the certificate, or reissue the certificate of that CA with a larger pathLenConstraint',
  };
}

const weakHashes: ReadonlySet<unknown> = new Set(['md5', 'sha1']);

function faultOfSignature(certificate: Certificate, isLeaf: boolean): PathFault | undefined {
  const { signed } = certificate;
  const hash = signed.algorithm.scheme?.hash;
  if (!weakHashes.has(hash)) return undefined;
  const which = isLeaf ? 'it' : `${nameOf(certificate)}, a CA above it,`;
  return {
    kind: 'signature',
    seen: `${which} is signed with ${hash === 'sha1' ? 'SHA-1' : 'MD5'} (signatureAlgorithm ${signed.algorithm.oid}), which can be forged`,
    remedy: 'reissue that certificate with a SHA-256 signature or better',
  };
}

function faultOfNames(
  below: readonly Certificate[],
  ca: Certificate,
  comparisons: ComparisonBudget,
): PathFault | undefined {
  const { nameConstraints } = ca;
  if (nameConstraints === undefined) return undefined;
  for (const [depth, certificate] of below.entries()) {
    if (depth > 0 && isSelfIssued(certificate)) continue;
    const violation = findViolation(nameConstraints, certificate, depth === 0, comparisons);
    if (violation === undefined) continue;
    const whose = depth === 0 ? '' : ` of ${nameOf(certificate)}, a CA above it`;
    return {
      kind: 'issuer',
      seen: `the nameConstraints (2.5.29.30) of ${nameOf(ca)} ${violation}${whose}`,
      remedy:
        'reissue the certificate for a name that the CA may certify, or with a CA that may certify the name',
    };
  }
  return undefined;
}
