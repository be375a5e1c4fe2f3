/**
 * Who a client is: what its certificate says, as typed and frozen values.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type Certificate } from '../x509/certificate.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { type GeneralName } from '../x509/general-name.js';
import { spiffeTrustDomain } from '../x509/spiffe-id.js';
import { hasUnsafeCharacter } from '../x509/string.js';

/** The caller, as its certificate names it. Frozen; the same object for every request of a connection. */
export interface ClientIdentity {
  /** Where it was read: from the connection itself, or from a proxy's header. */
  readonly source: 'tls' | 'proxy';
  /**
   * The proxy that forwarded the certificate, where the proxy has one of its own; `undefined` where it proves itself in
   * another way, and where the client is connected directly.
   */
  readonly via: ClientIdentity | undefined;
  /**
   * The one commonName of the subject. `undefined` where there is none, where there are several,
   * and where it is empty, longer than 64 characters, has spaces at an edge, or has a character that controls,
   * reorders or is not seen: such a name must never decide anything (RFC 5280 appendix A.1, ub-common-name).
   * A character that is newer than the Unicode of this Node counts as not seen.
   */
  readonly commonName: string | undefined;
  /** Every commonName of the subject, as it stands: for people, not for decisions. */
  readonly commonNames: readonly string[];
  /** The subject; `subject.get('OU')` lists an attribute, `String(subject)` is RFC 4514. */
  readonly subject: DistinguishedName;
  /** Who signed the certificate. */
  readonly issuer: DistinguishedName;
  /** The names in subjectAltName; all lists are empty where there is none. */
  readonly subjectAltNames: SubjectAltNames;
  /** The SPIFFE ID; only where there is exactly one URI in subjectAltName, and it is a valid SPIFFE ID. */
  readonly spiffeId: string | undefined;
  /** Lower-case hex without leading zeros. Unique only together with the issuer. */
  readonly serialNumber: string;
  /** SHA-256 of the whole certificate as node:tls writes it: `'AB:CD:…'`. */
  readonly fingerprint256: string;
  /** The same hash as RFC 8705 section 3.1 writes it (`x5t#S256`): base64url. */
  readonly thumbprint: string;
  /** From when on the certificate is valid. */
  readonly notBefore: Date;
  /** When it expires: from that moment on it is valid no more. */
  readonly notAfter: Date;
  /** Object identifiers, dotted; empty where the certificate does not say. */
  readonly extendedKeyUsage: readonly string[];
  /**
   * The certificate policies that the path to the trust anchor is valid for, dotted, by the anchor's own names for them
   * (RFC 5280 section 6.1.6); empty where the CAs use none. `'2.5.29.32.0'` is any policy.
   */
  readonly policies: readonly string[];
  /** Whether this connection resumed an earlier session instead of a full handshake; `false` behind a proxy. */
  readonly resumed: boolean;
  /** The certificate, DER. */
  readonly raw: Buffer;
}

/** The names in subjectAltName, by kind, in the certificate's order. */
export interface SubjectAltNames {
  /** Host names, as they are written; `*.example.org` may be among them. */
  readonly dns: readonly string[];
  /** Email addresses, as they are written. */
  readonly email: readonly string[];
  /** URIs, as they are written. */
  readonly uri: readonly string[];
  /** IPv4 dotted, IPv6 as RFC 5952 writes it. */
  readonly ip: readonly string[];
  /** User principal names (the otherName 1.3.6.1.4.1.311.20.2.3). */
  readonly upn: readonly string[];
  /** Distinguished names. */
  readonly directoryName: readonly DistinguishedName[];
  /**
   * The kind of each entry that cannot be read for certain, such as an address in Latin-1: it is in none of the
   * lists above, no rule matches it, and a rule about its kind that is turned round refuses the client. Left out
   * where every entry can be read.
   */
  readonly unreadable?: readonly ('dns' | 'email' | 'uri' | 'upn')[];
}

/** What a certificate says of its holder, whichever connection it came by. */
export type CertificateIdentity = Omit<ClientIdentity, 'source' | 'via' | 'policies' | 'resumed'>;

/**
 * Reads who a certificate says its holder is. It does not judge whether that may be believed. Dates and bytes are
 * copies: whatever a handler does to them, the gate goes on judging by the certificate.
 */
export function identityOf(certificate: Certificate): CertificateIdentity {
  const digest = createHash('sha256').update(certificate.raw).digest();
  const commonNames = certificate.subject.get('CN');
  const subjectAltNames = groupNames(certificate.subjectAltNames);
  const [uri, ...otherUris] = subjectAltNames.uri;
  const isSole = otherUris.length === 0 && subjectAltNames.unreadable?.includes('uri') !== true;
  const isSpiffe = uri !== undefined && isSole && spiffeTrustDomain(uri) !== undefined;
  return Object.freeze({
    commonName: soleCommonName(commonNames),
    commonNames: Object.freeze(commonNames),
    subject: certificate.subject,
    issuer: certificate.issuer,
    subjectAltNames,
    spiffeId: isSpiffe ? uri : undefined,
    serialNumber: formatSerial(certificate.serial),
    fingerprint256: (digest.toString('hex').toUpperCase().match(/../g) ?? []).join(':'),
    thumbprint: digest.toString('base64url'),
    notBefore: new Date(certificate.notBefore),
    notAfter: new Date(certificate.notAfter),
    extendedKeyUsage: Object.freeze(certificate.extendedKeyUsage ?? []),
    raw: Buffer.from(certificate.raw),
  });
}

/** A serial number's content octets as lower-case hex without leading zeros; negative ones with a minus sign. */
export function formatSerial(serial: Uint8Array): string {
  const unsigned = BigInt(`0x${Buffer.from(serial).toString('hex')}`);
  const negative = (serial[0] ?? 0) >= 0x80;
  return (negative ? unsigned - (1n << BigInt(8 * serial.length)) : unsigned).toString(16);
}

function soleCommonName(commonNames: readonly string[]): string | undefined {
  const [name, ...others] = commonNames;
  if (name === undefined || others.length > 0) return undefined;
  if (!/^.{1,64}$/su.test(name) || name.trim() !== name || hasUnsafeCharacter(name)) return undefined;
  return name;
}

function groupNames(names: readonly GeneralName[]): SubjectAltNames {
  const dns: string[] = [];
  const email: string[] = [];
  const uri: string[] = [];
  const ip: string[] = [];
  const upn: string[] = [];
  const directoryName: DistinguishedName[] = [];
  const unreadable: NonNullable<SubjectAltNames['unreadable']>[number][] = [];
  const texts = { dns, email, uri, ip, upn };
  for (const name of names) {
    if (name.kind === 'directoryName') directoryName.push(name.value);
    else if (name.kind === 'unreadable') unreadable.push(name.of);
    else if (name.kind !== 'other') texts[name.kind].push(name.value);
  }
  for (const list of [dns, email, uri, ip, upn, directoryName, unreadable]) Object.freeze(list);
  return Object.freeze({ ...texts, directoryName, ...(unreadable.length === 0 ? {} : { unreadable }) });
}
