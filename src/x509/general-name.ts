/**
 * General names (RFC 5280 section 4.2.1.6): what subjectAltName, distribution
 * points and the certificateIssuer of a CRL entry are made of.
 *
 * @module
 */
import { context, type DerReader } from './der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import { decodeAscii, decodeString, hasUnsafeCharacter } from './string.js';

/** One general name. `other` is a kind that nothing here matches on, kept so that it is never lost silently. */
export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri' | 'ip' | 'upn'; readonly value: string }
  | { readonly kind: 'directoryName'; readonly value: DistinguishedName }
  | { readonly kind: 'other'; readonly value: Buffer };

const userPrincipalName = '1.3.6.1.4.1.311.20.2.3';

/** Reads a GeneralNames whose SEQUENCE, or IMPLICIT tag, has been entered. */
export function readGeneralNames(names: DerReader): GeneralName[] {
  const read: GeneralName[] = [];
  while (!names.done) read.push(readGeneralName(names));
  if (read.length === 0) names.fail('has an empty list of names', names.offset);
  return read;
}

function readGeneralName(names: DerReader): GeneralName {
  names.next();
  switch (names.tag) {
    case context(0, 'constructed'):
      return readOtherName(names);
    case context(1, 'primitive'):
      return { kind: 'email', value: decodeSafe(names) };
    case context(2, 'primitive'):
      return { kind: 'dns', value: decodeSafe(names) };
    case context(4, 'constructed'):
      return { kind: 'directoryName', value: readDirectoryName(names.inside()) };
    case context(6, 'primitive'):
      return { kind: 'uri', value: decodeSafe(names) };
    case context(7, 'primitive'):
      return { kind: 'ip', value: formatIp(names) };
    default:
      return { kind: 'other', value: names.element };
  }
}

function readDirectoryName(explicit: DerReader): DistinguishedName {
  const name = readName(explicit);
  explicit.finish();
  return name;
}

function readOtherName(names: DerReader): GeneralName {
  const other: GeneralName = { kind: 'other', value: names.element };
  const parts = names.inside();
  if (parts.oid() !== userPrincipalName) return other;
  const explicit = parts.enter(context(0, 'constructed'));
  parts.finish();
  explicit.next().finish();
  const value = decodeString(explicit);
  if (value === undefined) return other;
  return { kind: 'upn', value: refuseUnsafe(value, names) };
}

// An embedded NUL or newline is how one name is passed off as another (CVE-2021-44532, CVE-2009-2408).
function decodeSafe(names: DerReader): string {
  return refuseUnsafe(decodeAscii(names), names);
}

function refuseUnsafe(value: string, names: DerReader): string {
  if (hasUnsafeCharacter(value)) names.fail('has a name with control characters', names.contentStart);
  return value;
}

function formatIp(names: DerReader): string {
  const octets = names.content;
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) names.fail(`has an IP address of ${octets.length} bytes`, names.elementStart);
  const groups = octets.toString('hex').match(/.{4}/g) ?? [];
  return normaliseIp(groups.join(':')) ?? names.fail('has an unreadable IP address', names.elementStart);
}

/** The one spelling of an IP address (RFC 5952 for v6), or `undefined` if it is none. */
export function normaliseIp(text: string): string | undefined {
  // A leading zero is octal to some readers and decimal to others.
  if (/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) {
    return text.split('.').every((octet) => Number(octet) <= 255) ? text : undefined;
  }
  if (!/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) || !URL.canParse(`http://[${text}]`)) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** A text that two general names share if, and only if, they are the same (RFC 5280 section 7). */
export function canonicalGeneralName(name: GeneralName): string {
  if (name.kind === 'directoryName') return `directoryName:${name.value.canonical}`;
  if (name.kind === 'other') return `other:${name.value.toString('hex')}`;
  return `${name.kind}:${canonicalText(name)}`;
}

// Of a URI the scheme and the host are in any letter case, of an email address the host (RFC 5280 sections 7.4, 7.5).
function canonicalText({ kind, value }: Exclude<GeneralName, { kind: 'directoryName' | 'other' }>): string {
  if (kind === 'dns') return value.toLowerCase();
  if (kind === 'email') return lowerFrom(value, value.lastIndexOf('@'));
  if (kind !== 'uri') return value;
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(value)?.[0] ?? '';
  const rest = value.slice(scheme.length);
  const authority = /^\/\/[^/?#]*/.exec(rest)?.[0] ?? '';
  if (scheme === '') return value;
  const host = lowerFrom(authority, Math.max(authority.lastIndexOf('@'), 0));
  return `${scheme.toLowerCase()}${host}${rest.slice(authority.length)}`;
}

/** A text in lower case from a place on; unchanged where that is -1. */
function lowerFrom(text: string, start: number): string {
  return start < 0 ? text : text.slice(0, start) + text.slice(start).toLowerCase();
}
