/**
 * A certificate (RFC 5280 section 4), read once into frozen values.
 *
 * @module
 */
import { context, DerReader, type DerSubject, type ElementBudget, Tag } from './der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import { type DistributionPoint, readDistributionPoints } from './distribution-point.js';
import { type GeneralName, readGeneralNames } from './general-name.js';
import { placeInCertificate } from './place.js';
import { type PublicKeyKind, readPublicKeyKind } from './public-key.js';
import { readAlgorithm, type Signed } from './signature.js';
import { readDate } from './time.js';

/** Bits of keyUsage (RFC 5280 section 4.2.1.3), as {@link Certificate.keyUsage} holds them. */
export const KeyUsage = { digitalSignature: 0x01, keyCertSign: 0x20, crlSign: 0x40 } as const;

const certificateSubject: DerSubject = {
  code: 'ERR_MTLS_CERTIFICATE_INVALID',
  noun: 'certificate',
  placeOf: placeInCertificate,
};

/** What a certificate says. Extensions it does not have are `undefined`. */
export interface Certificate {
  /** The whole certificate, DER. */
  readonly raw: Buffer;
  /** 1, 2 or 3. A version 1 certificate has no extensions. */
  readonly version: number;
  /** The content octets of the serial number, as a CRL lists them. */
  readonly serial: Buffer;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly publicKeyKind: PublicKeyKind;
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
  /** A sum of {@link KeyUsage} bits. */
  readonly keyUsage: number | undefined;
  /** Object identifiers, dotted. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltNames: readonly GeneralName[];
  /** Hex. */
  readonly subjectKeyId: string | undefined;
  /** Hex. */
  readonly authorityKeyId: string | undefined;
  readonly crlDistributionPoints: readonly DistributionPoint[];
  /** Critical extensions that are not read here, dotted. OpenSSL understands some of them. */
  readonly unknownCriticalExtensions: readonly string[];
  /** What is signed, and how: for whoever verifies. */
  readonly signed: Signed;
}

/** What the extensions of a certificate, or those that a certificate request asks for, say. */
export type CertificateExtensions = Readonly<Extensions>;

type Extensions = {
  -readonly [
    Key in
      | 'basicConstraints'
      | 'keyUsage'
      | 'extendedKeyUsage'
      | 'subjectAltNames'
      | 'subjectKeyId'
      | 'authorityKeyId'
      | 'crlDistributionPoints'
      | 'unknownCriticalExtensions'
  ]: Certificate[Key];
};

/**
 * Reads a certificate.
 * @param der - One certificate, nothing behind it. Kept, not copied: do not write to it.
 * @param budget - How many elements may be read.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_INVALID` with the field and the offset for anything but strict DER,
 *   for names with control characters in subjectAltName, and for an extension that stands twice. Names in
 *   subjectAltName that are not of the encoding of their type are read as unreadable ones.
 */
export function parseCertificate(der: Buffer, budget?: ElementBudget): Certificate {
  const outer = new DerReader(
    der,
    budget === undefined ? certificateSubject : { ...certificateSubject, budget },
  );
  const certificate = outer.enter(Tag.sequence);
  outer.finish();
  const tbs = certificate.enter(Tag.sequence);
  const bytes = certificate.element;
  const version = readVersion(tbs);
  const serial = tbs.nextInteger().content;
  const inner = readAlgorithm(tbs);
  const issuer = readName(tbs);
  const validity = tbs.enter(Tag.sequence);
  const notBefore = readDate(validity);
  const notAfter = readDate(validity);
  validity.finish();
  const subject = readName(tbs);
  const publicKeyKind = readPublicKeyKind(tbs.enter(Tag.sequence));
  const publicKey = tbs.element;
  for (const number of [1, 2]) if (tbs.at(context(number, 'primitive'))) tbs.next();
  if (version < 3 && tbs.at(context(3, 'constructed')))
    tbs.fail(
      `is of version ${version} and has extensions, which version 3 alone may have (RFC 5280 section 4.1.2.9)`,
      tbs.offset,
    );
  const list = enterExtensions(tbs, 3);
  tbs.finish();
  const algorithm = readAlgorithm(certificate);
  if (!algorithm.der.equals(inner.der))
    certificate.fail('names two signature algorithms', certificate.elementStart);
  const signature = certificate.bitStringOctets();
  certificate.finish();
  return Object.freeze({
    raw: der,
    version,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    publicKeyKind,
    ...readExtensions(list),
    signed: { bytes, algorithm, signature },
  });
}

function readVersion(tbs: DerReader): number {
  const explicit = tbs.enterOptional(context(0, 'constructed'));
  if (explicit === undefined) return 1;
  const version = explicit.smallInteger() + 1;
  explicit.finish();
  // X.690 section 11.5: the default, version 1, is not written.
  if (version < 2 || version > 3)
    tbs.fail(`has the version ${version}, where 1 (left out) to 3 are known`, tbs.elementStart);
  return version;
}

/** Enters an EXPLICIT tag that holds Extensions and nothing else. */
export function enterExtensions(tbs: DerReader, number: number): DerReader | undefined {
  const explicit = tbs.enterOptional(context(number, 'constructed'));
  const list = explicit?.enter(Tag.sequence);
  explicit?.finish();
  return list;
}

/** Reads the content of an Extensions; `undefined` has none. */
export function readExtensions(list: DerReader | undefined): CertificateExtensions {
  const read: Extensions = {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltNames: [],
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    crlDistributionPoints: [],
    unknownCriticalExtensions: [],
  };
  const seen = new Set<string>();
  while (list?.done === false) {
    const extension = list.enter(Tag.sequence);
    const type = extension.oid();
    if (seen.has(type)) extension.fail(`has the extension ${type} twice`, list.elementStart);
    seen.add(type);
    const isCritical = extension.at(Tag.boolean) && extension.boolean();
    const value = extension.enter(Tag.octetString);
    extension.finish();
    const isKnown = readExtension(type, value, read);
    if (isCritical && !isKnown) read.unknownCriticalExtensions = [...read.unknownCriticalExtensions, type];
  }
  return read;
}

/** Reads an extension; returns whether it is one that is known here. */
function readExtension(type: string, value: DerReader, into: Extensions): boolean {
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
    case '2.5.29.31':
      into.crlDistributionPoints = readDistributionPoints(value.enter(Tag.sequence));
      break;
    case '2.5.29.35':
      into.authorityKeyId = readAuthorityKeyId(value);
      break;
    case '2.5.29.37':
      into.extendedKeyUsage = readOids(value.enter(Tag.sequence));
      break;
    default:
      return false;
  }
  value.finish();
  return true;
}

function readBasicConstraints(sequence: DerReader): Certificate['basicConstraints'] {
  const ca = sequence.at(Tag.boolean) && sequence.boolean();
  const pathLength = sequence.at(Tag.integer) ? sequence.smallInteger() : undefined;
  sequence.finish();
  return { ca, pathLength };
}

/** Reads an AuthorityKeyIdentifier and returns its keyIdentifier as hex. */
export function readAuthorityKeyId(value: DerReader): string | undefined {
  const sequence = value.enter(Tag.sequence);
  const keyId = sequence.at(context(0, 'primitive')) ? sequence.next().content.toString('hex') : undefined;
  // authorityCertIssuer and authorityCertSerialNumber: read past, because a name and a number prove nothing.
  for (const [number, form] of [
    [1, 'constructed'],
    [2, 'primitive'],
  ] as const) {
    if (sequence.at(context(number, form))) sequence.next();
  }
  sequence.finish();
  return keyId;
}

function readOids(sequence: DerReader): string[] {
  const oids: string[] = [];
  while (!sequence.done) oids.push(sequence.oid());
  return oids;
}
