/**
 * A certificate revocation list (RFC 5280 section 5), read into frozen values. Its entries are read in place: see
 * `walkEntries`.
 *
 * @module
 */
import { type AuthorityCertificate, readAuthorityKeyId } from './certificate-extensions.js';
import { enterExtensions, extensionsOf } from './extension-list.js';
import { type CrlEntries, crlSubject, type EntryVisitor, refuseLonger, walkEntries } from './crl-entry.js';
import { type CrlHead } from './crl-head.js';
import { context, DerReader, Tag } from './der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import {
  type DistributionPoint,
  readDistributionPoints,
  readIssuingDistributionPoint,
} from './distribution-point.js';
import { readAlgorithm, type Signed } from './signature.js';
import { readDate } from './time.js';

/** A CRL: its head, and the position of its entries, which {@link walkEntries} reads. */
export interface Crl extends CrlHead, CrlEntries {
  /** The issuer and the serial number of its CA's certificate, if authorityKeyIdentifier has them. */
  readonly authorityCertificate: AuthorityCertificate | undefined;
  /** Where its delta CRLs are published (RFC 5280 section 5.2.6). */
  readonly freshestCrl: readonly DistributionPoint[];
  /** The signed bytes, the algorithm and the signature, for verification. */
  readonly signed: Signed;
}

/** A CRL without its entries. */
export type CrlOutline = Pick<Crl, 'raw' | 'issuer' | 'thisUpdate' | 'nextUpdate' | ExtensionField>;

type ExtensionField =
  | 'number'
  | 'deltaBase'
  | 'authorityKeyId'
  | 'authorityCertificate'
  | 'issuingDistributionPoint'
  | 'freshestCrl';

/**
 * Reads a CRL and checks every entry.
 * @param der - One CRL, without trailing bytes. It is kept, not copied: do not modify it.
 * @param visitorOf - Returns a function that is called for every entry, like `visit` of {@link walkEntries}.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` with the field and the offset for anything but strict DER.
 */
export function parseCrl(der: Buffer, visitorOf?: (crl: CrlOutline & CrlEntries) => EntryVisitor): Crl {
  const { unknown, ...frame } = readFrame(der);
  const visit = visitorOf?.(frame);
  let entryCount = 0;
  walkEntries(frame, (entry) => {
    entryCount++;
    if (entry.unknownCriticalExtension !== undefined) keepSome(unknown, entry.unknownCriticalExtension);
    visit?.(entry);
  });
  return Object.freeze({ ...frame, unknownCriticalExtensions: [...unknown], entryCount });
}

/**
 * Reads a CRL without its entries, in a time that does not depend on their number.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` like {@link parseCrl}, except for the entries.
 */
export function parseCrlOutline(der: Buffer): CrlOutline {
  return readFrame(der);
}

type Frame = Omit<Crl, 'unknownCriticalExtensions' | 'entryCount'> & { readonly unknown: Set<string> };

function readFrame(der: Buffer): Frame {
  const outer = new DerReader(der, crlSubject);
  const list = outer.enter(Tag.sequence);
  outer.finish();
  const tbs = list.enter(Tag.sequence);
  const bytes = list.element;
  const version = readVersion(tbs);
  const inner = readAlgorithm(tbs);
  const issuer = readIssuer(tbs);
  const thisUpdate = readDate(tbs);
  const nextUpdate = tbs.at(Tag.utcTime) || tbs.at(Tag.generalizedTime) ? readDate(tbs) : undefined;
  const entries = readEntriesPlace(tbs);
  if (version === 1 && tbs.at(context(0, 'constructed'))) failVersion1(tbs);
  const extensions = enterExtensions(tbs, 0);
  if (extensions !== undefined) refuseLonger(extensions, 'extensions');
  tbs.finish();
  const algorithm = readAlgorithm(list);
  if (!algorithm.der.equals(inner.der))
    list.fail('has two different signature algorithms', list.elementStart);
  const signature = list.bitStringOctets();
  list.finish();
  const unknown = new Set<string>();
  const read = readExtensions(extensions, (type) => {
    keepSome(unknown, type);
  });
  const signed = { bytes, algorithm, signature };
  return { raw: der, version, issuer, thisUpdate, nextUpdate, ...read, entries, signed, unknown };
}

/** One is enough to reject the CRL; a hostile CRL may have a million. */
function keepSome(unknown: Set<string>, type: string): void {
  if (unknown.size < 8) unknown.add(type);
}

function failVersion1(tbs: DerReader): never {
  tbs.fail(
    'is of version 1 and has extensions, which require version 2 (RFC 5280 section 5.1.2.1)',
    tbs.offset,
    // https://github.com/phpseclib/phpseclib/issues/2037, https://github.com/golang/go/issues/13931
    'update the CA, or have it write version 2; known causes are phpseclib before 3.0.42, CreateCRL() of Go 1.5 ' +
      'and HashiCorp Vault of that time',
  );
}

function readVersion(tbs: DerReader): 1 | 2 {
  if (!tbs.at(Tag.integer)) return 1;
  // Section 5.1.2.1: if present, it is v2, encoded as 1.
  if (tbs.smallInteger() !== 1) tbs.fail('has a version other than 1 or 2', tbs.elementStart);
  return 2;
}

function readIssuer(tbs: DerReader): DistinguishedName {
  const start = tbs.offset;
  refuseLonger(tbs.enter(Tag.sequence), 'an issuer');
  tbs.offset = start;
  return readName(tbs);
}

function readEntriesPlace(tbs: DerReader): Crl['entries'] {
  if (!tbs.at(Tag.sequence)) return { start: tbs.offset, end: tbs.offset };
  tbs.next();
  if (tbs.contentStart === tbs.contentEnd) {
    tbs.fail(
      'has an empty revokedCertificates, which must be omitted if nothing is revoked (RFC 5280 section 5.1.2.6)',
      tbs.elementStart,
      'update the CA, or have it omit the list; a known cause is CreateCRL() of Go, which cfssl uses, while CreateRevocationList() omits it',
    );
  }
  return { start: tbs.contentStart, end: tbs.contentEnd };
}

type Extensions = Pick<Crl, ExtensionField>;

// The extensions of section 5.2 that may be critical and that OpenSSL supports. With any other critical extension
// OpenSSL refuses every client, and so it does with a critical CRLNumber, which section 5.2.3 forbids.
const mayBeCritical = new Set(['2.5.29.27', '2.5.29.28', '2.5.29.35']);

function readExtensions(list: DerReader | undefined, onUnknownCritical: (type: string) => void): Extensions {
  const read: { -readonly [Key in keyof Extensions]: Extensions[Key] } = {
    number: undefined,
    deltaBase: undefined,
    authorityKeyId: undefined,
    authorityCertificate: undefined,
    issuingDistributionPoint: undefined,
    freshestCrl: [],
  };
  for (const { type, isCritical, value } of extensionsOf(list)) {
    if (isCritical && !mayBeCritical.has(type)) onUnknownCritical(type);
    if (type === '2.5.29.20') read.number = readNumber(value);
    else if (type === '2.5.29.27') read.deltaBase = readNumber(value);
    else if (type === '2.5.29.28') read.issuingDistributionPoint = readIssuingDistributionPoint(value);
    else if (type === '2.5.29.35') Object.assign(read, readAuthorityKeyId(value));
    // Section 5.2.6: it must not be critical.
    else if (type === '2.5.29.46' && !isCritical)
      read.freshestCrl = readDistributionPoints(value.enter(Tag.sequence));
    else continue;
    value.finish();
  }
  return read;
}

function readNumber(value: DerReader): bigint {
  const { content } = value.nextInteger();
  const first = content[0] as number;
  // Section 5.2.3: not negative, and at most 20 octets, to which DER may add one for the sign.
  if (first >= 0x80 || content.length > (first === 0 ? 21 : 20)) {
    value.fail('has a CRL number out of range', value.elementStart);
  }
  return BigInt(`0x${content.toString('hex')}`);
}
