/**
 * Who a client is: the contents of its certificate as typed, frozen values.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type Certificate } from '../x509/certificate.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { type GeneralName } from '../x509/general-name.js';
import { spiffeTrustDomain } from '../x509/spiffe-id.js';
import { hasUnsafeCharacter } from '../x509/string.js';

/**
 * The identity of the client, as its certificate states it. Frozen; every request of a connection gets the same
 * object.
 * @example
 * ```ts
 * app.get('/whoami', requireClient(), (req, res) => {
 *   const identity = identify(req);
 *   res.json({ commonName: identity?.commonName, issuer: String(identity?.issuer) });
 * });
 * ```
 */
export interface ClientIdentity {
  /** Where the certificate was read: from the TLS connection, or from a header that a proxy sets. */
  readonly source: 'tls' | 'proxy';
  /**
   * The proxy that forwarded the certificate, if that proxy has a certificate of its own; `undefined` if it proves itself
   * in another way, and for a client that is connected directly.
   */
  readonly via: ClientIdentity | undefined;
  /**
   * The commonName of the subject, if it is safe to decide by. `undefined` if the subject has none or several, or if
   * the name is empty, is longer than 64 characters (RFC 5280 appendix A.1, ub-common-name), begins or ends with a
   * space, or has a character that controls, reorders or is invisible. A character newer than the Unicode version of
   * Node counts as invisible.
   */
  readonly commonName: string | undefined;
  /** Every commonName of the subject, unchanged: for display, not for decisions. */
  readonly commonNames: readonly string[];
  /** The subject. `subject.get('OU')` lists the values of an attribute; `String(subject)` is RFC 4514. */
  readonly subject: DistinguishedName;
  /** The issuer of the certificate. */
  readonly issuer: DistinguishedName;
  /** The names in subjectAltName. Without that extension, all lists are empty. */
  readonly subjectAltNames: SubjectAltNames;
  /** The SPIFFE ID: the only URI in subjectAltName, if it is a valid SPIFFE ID. */
  readonly spiffeId: string | undefined;
  /** Lower-case hex without leading zeros. Unique only together with the issuer. */
  readonly serialNumber: string;
  /** SHA-256 of the certificate in the notation of node:tls: `'AB:CD:…'`. */
  readonly fingerprint256: string;
  /** The same hash in base64url, as in `x5t#S256` (RFC 8705 section 3.1). */
  readonly thumbprint: string;
  /** The start of the validity period. */
  readonly notBefore: Date;
  /** The end of the validity period. From this moment on, the certificate has expired. */
  readonly notAfter: Date;
  /** The object identifiers in extendedKeyUsage, dotted; empty without that extension. */
  readonly extendedKeyUsage: readonly string[];
  /**
   * The certificate policies for which the certification path is valid, dotted, in the policy domain of the trust
   * anchor (RFC 5280 section 6.1.6). Empty if the CAs use no policies. `'2.5.29.32.0'` means any policy.
   */
  readonly policies: readonly string[];
  /** Whether the connection resumed an earlier TLS session; `false` behind a proxy. */
  readonly resumed: boolean;
  /** The certificate in DER. */
  readonly raw: Buffer;
}

/**
 * The names in subjectAltName by kind, in the order of the certificate.
 * @example
 * ```ts
 * const { dns, email, uri } = clientOf(req).subjectAltNames; // [], ['client1@example.org'], []
 * ```
 */
export interface SubjectAltNames {
  /** Host names, unchanged. They may include wildcards such as `*.example.org`. */
  readonly dns: readonly string[];
  /** Email addresses, unchanged. */
  readonly email: readonly string[];
  /** URIs, unchanged. */
  readonly uri: readonly string[];
  /** IP addresses: IPv4 dotted, IPv6 in the notation of RFC 5952. */
  readonly ip: readonly string[];
  /** User principal names (the otherName 1.3.6.1.4.1.311.20.2.3). */
  readonly upn: readonly string[];
  /** Distinguished names. */
  readonly directoryName: readonly DistinguishedName[];
  /**
   * The kinds of the entries that cannot be read reliably, such as an email address in Latin-1. These entries are in
   * none of the lists above and no rule matches them; `not()` of a rule about such a kind forbids the request. Absent
   * if every entry can be read.
   */
  readonly unreadable?: readonly ('dns' | 'email' | 'uri' | 'upn')[];
}

/** The contents of a certificate, independent of the connection. */
export type CertificateIdentity = Omit<ClientIdentity, 'source' | 'via' | 'policies' | 'resumed'>;

/**
 * Reads the identity from a certificate, without verifying it. Dates and bytes are copies: the gate is not affected
 * by what a handler does to them.
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
    fingerprint256: formatFingerprint(digest),
    thumbprint: digest.toString('base64url'),
    notBefore: new Date(certificate.notBefore),
    notAfter: new Date(certificate.notAfter),
    extendedKeyUsage: Object.freeze(certificate.extendedKeyUsage ?? []),
    raw: Buffer.from(certificate.raw),
  });
}

/**
 * Formats the content octets of a serial number as lower-case hex without leading zeros, with a minus sign if
 * negative.
 */
export function formatSerial(serial: Uint8Array): string {
  const unsigned = BigInt(`0x${Buffer.from(serial).toString('hex')}`);
  const negative = (serial[0] ?? 0) >= 0x80;
  return (negative ? unsigned - (1n << BigInt(8 * serial.length)) : unsigned).toString(16);
}

/** Formats a hash as node:crypto formats `fingerprint256`: `'3A:F0:…'`. */
function formatFingerprint(digest: Buffer): string {
  const hex = digest.toString('hex').toUpperCase();
  let text = hex.slice(0, 2);
  for (let at = 2; at < hex.length; at += 2) text += `:${hex.slice(at, at + 2)}`;
  return text;
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
