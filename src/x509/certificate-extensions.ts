/**
 * The extensions of a certificate (RFC 5280 section 4.2) or of a certificate request.
 *
 * @module
 */
import { context, type DerReader, Tag } from './der.js';
import { type DistributionPoint, readDistributionPoints } from './distribution-point.js';
import { extensionsOf } from './extension-list.js';
import { type GeneralName, readGeneralNames } from './general-name.js';
import { type NameConstraints, readNameConstraints } from './name-constraints.js';
import {
  type PolicyConstraints,
  type PolicyMapping,
  readPolicies,
  readPolicyConstraints,
  readPolicyMappings,
} from './policy-extensions.js';

/** Bits of keyUsage (RFC 5280 section 4.2.1.3), as {@link CertificateExtensions.keyUsage} holds them. */
export const KeyUsage = {
  digitalSignature: 0x01,
  keyAgreement: 0x10,
  keyCertSign: 0x20,
  crlSign: 0x40,
} as const;

/** The values of the extensions. Absent extensions are `undefined`. */
export interface CertificateExtensions {
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
  /** A sum of {@link KeyUsage} bits. */
  readonly keyUsage: number | undefined;
  /** Object identifiers, dotted. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /**
   * The bits of Netscape's cert-type, the predecessor of extendedKeyUsage; bit 0 means clients. OpenSSL evaluates it.
   */
  readonly netscapeCertType: number | undefined;
  readonly subjectAltNames: readonly GeneralName[];
  /** Hex. */
  readonly subjectKeyId: string | undefined;
  /** Hex. */
  readonly authorityKeyId: string | undefined;
  /** The issuer and the serial number of the issuer's certificate, if authorityKeyIdentifier has them. */
  readonly authorityCertificate: AuthorityCertificate | undefined;
  readonly crlDistributionPoints: readonly DistributionPoint[];
  /** Where delta CRLs are published (RFC 5280 section 4.2.1.15). */
  readonly freshestCrl: readonly DistributionPoint[];
  readonly nameConstraints: NameConstraints | undefined;
  /** Object identifiers, dotted. */
  readonly certificatePolicies: readonly string[] | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  /** How many further certificates may follow before anyPolicy is ignored. */
  readonly inhibitAnyPolicy: number | undefined;
  /** Critical extensions that are not supported here, or that RFC 5280 requires to be non-critical; dotted. */
  readonly unknownCriticalExtensions: readonly string[];
}

/** The issuer and the serial number of an issuer's certificate (RFC 5280 section 4.2.1.1). */
export interface AuthorityCertificate {
  readonly issuer: readonly GeneralName[];
  /** The content octets of the serial number. */
  readonly serial: Buffer;
}

type Extensions = { -readonly [Key in keyof CertificateExtensions]: CertificateExtensions[Key] };

/** Reads the content of an Extensions; `undefined` if there are none. */
export function readExtensions(list: DerReader | undefined): CertificateExtensions {
  const read: Extensions = {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    netscapeCertType: undefined,
    subjectAltNames: [],
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    authorityCertificate: undefined,
    crlDistributionPoints: [],
    freshestCrl: [],
    nameConstraints: undefined,
    certificatePolicies: undefined,
    policyMappings: undefined,
    policyConstraints: undefined,
    inhibitAnyPolicy: undefined,
    unknownCriticalExtensions: [],
  };
  for (const { type, isCritical, value } of extensionsOf(list)) {
    const isKnown = readExtension(type, value, read, isCritical);
    if (isCritical && (!isKnown || neverCritical.has(type)))
      read.unknownCriticalExtensions = [...read.unknownCriticalExtensions, type];
  }
  return read;
}

/** RFC 5280 requires subjectKeyIdentifier and authorityKeyIdentifier to be non-critical. OpenSSL enforces that. */
const neverCritical = new Set(['2.5.29.14', '2.5.29.35']);

/** Reads an extension. Returns whether it is supported here. */
function readExtension(type: string, value: DerReader, into: Extensions, isCritical: boolean): boolean {
  switch (type) {
    case '2.5.29.14':
      into.subjectKeyId = value.next(Tag.octetString).content.toString('hex');
      break;
    case '2.5.29.15':
      into.keyUsage = value.namedBits();
      break;
    case '2.5.29.17':
      into.subjectAltNames = readGeneralNames(value.enter(Tag.sequence));
      break;
    case '2.5.29.19':
      into.basicConstraints = readBasicConstraints(value.enter(Tag.sequence));
      break;
    case '2.5.29.30':
      into.nameConstraints = readNameConstraints(value.enter(Tag.sequence), isCritical);
      break;
    case '2.5.29.31':
      into.crlDistributionPoints = readDistributionPoints(value.enter(Tag.sequence));
      break;
    case '2.5.29.32':
      into.certificatePolicies = readPolicies(value.enter(Tag.sequence));
      break;
    case '2.5.29.33':
      into.policyMappings = readPolicyMappings(value.enter(Tag.sequence));
      break;
    case '2.5.29.35':
      Object.assign(into, readAuthorityKeyId(value));
      break;
    case '2.5.29.36':
      into.policyConstraints = readPolicyConstraints(value.enter(Tag.sequence));
      break;
    case '2.5.29.37':
      into.extendedKeyUsage = readOids(value.enter(Tag.sequence));
      break;
    case '2.5.29.54':
      into.inhibitAnyPolicy = value.smallInteger();
      break;
    case '2.5.29.46':
      // Section 4.2.1.15: it must not be critical.
      if (isCritical) return false;
      into.freshestCrl = readDistributionPoints(value.enter(Tag.sequence));
      break;
    case '2.16.840.1.113730.1.1':
      into.netscapeCertType = value.namedBits();
      break;
    default:
      return false;
  }
  value.finish();
  return true;
}

function readBasicConstraints(sequence: DerReader): CertificateExtensions['basicConstraints'] {
  const ca = sequence.at(Tag.boolean) && sequence.boolean();
  const pathLength = sequence.at(Tag.integer) ? sequence.smallInteger() : undefined;
  sequence.finish();
  return { ca, pathLength };
}

/** Reads an AuthorityKeyIdentifier. */
export function readAuthorityKeyId(
  value: DerReader,
): Pick<CertificateExtensions, 'authorityKeyId' | 'authorityCertificate'> {
  const sequence = value.enter(Tag.sequence);
  const keyId = sequence.at(context(0, 'primitive')) ? sequence.next().content.toString('hex') : undefined;
  const issuer = sequence.enterOptional(context(1, 'constructed'));
  const names = issuer?.done === false ? readGeneralNames(issuer) : undefined;
  const serial = sequence.at(context(2, 'primitive')) ? sequence.next().content : undefined;
  sequence.finish();
  return {
    authorityKeyId: keyId,
    // One without the other is ignored (RFC 5280 section 4.2.1.1: both, or neither).
    authorityCertificate: names && serial && { issuer: names, serial },
  };
}

function readOids(sequence: DerReader): string[] {
  const oids: string[] = [];
  while (!sequence.done) oids.push(sequence.oid());
  return oids;
}
