/**
 * General names (RFC 5280 section 4.2.1.6), which subjectAltName, distribution points and the certificateIssuer of a
 * CRL entry contain.
 *
 * @module
 */
import { context, type DerReader } from './der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import { decodeSound, hasUnsafeCharacter, stringFault } from './string.js';

/** The kinds of names that are text. */
export type TextKind = 'dns' | 'email' | 'uri' | 'upn';

/**
 * One general name. `unreadable` is text that its string type does not allow: the intended name is ambiguous, so it
 * only equals the same octets. `other` is an unsupported kind. Both are kept as DER, so that no name is lost
 * silently.
 */
export type GeneralName =
  | { readonly kind: TextKind | 'ip'; readonly value: string }
  | { readonly kind: 'directoryName'; readonly value: DistinguishedName }
  | { readonly kind: 'unreadable'; readonly of: TextKind; readonly value: Buffer }
  | { readonly kind: 'other'; readonly value: Buffer };

const userPrincipalName = '1.3.6.1.4.1.311.20.2.3';

/** Reads the content of a GeneralNames. */
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
      return readIa5(names, 'email');
    case context(2, 'primitive'):
      return readIa5(names, 'dns');
    case context(4, 'constructed'):
      return { kind: 'directoryName', value: readDirectoryName(names.inside()) };
    case context(6, 'primitive'):
      return readIa5(names, 'uri');
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
  if (stringFault(explicit) !== undefined) return { kind: 'unreadable', of: 'upn', value: other.value };
  const value = decodeSound(explicit);
  if (value === undefined) return other;
  if (hasUnsafeCharacter(value)) failUnsafe(names);
  return { kind: 'upn', value };
}

/** Reads an IA5String with an IMPLICIT tag. Some CAs write Latin-1 or UTF-8 into it. */
function readIa5(names: DerReader, kind: TextKind): GeneralName {
  const { bytes, contentStart, contentEnd } = names;
  let isAscii = true;
  for (let index = contentStart; index < contentEnd; index++) {
    const octet = bytes[index] as number;
    if (octet < 0x20 || octet === 0x7f) failUnsafe(names);
    if (octet >= 0x80) isAscii = false;
  }
  if (!isAscii) return { kind: 'unreadable', of: kind, value: names.element };
  return { kind, value: bytes.toString('latin1', contentStart, contentEnd) };
}

// An embedded NUL or newline makes one name pass for another (CVE-2021-44532, CVE-2009-2408). Unlike Latin-1, no CA
// writes it by mistake: the whole certificate is rejected.
function failUnsafe(names: DerReader): never {
  names.fail('has a name with control characters', names.contentStart);
}

function formatIp(names: DerReader): string {
  const octets = names.content;
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) names.fail(`has an IP address of ${octets.length} bytes`, names.elementStart);
  const groups = octets.toString('hex').match(/.{4}/g) ?? [];
  return normaliseIp(groups.join(':')) ?? names.fail('has an unreadable IP address', names.elementStart);
}

/** The canonical form of an IP address (RFC 5952 for IPv6), or `undefined` if it is invalid. */
export function normaliseIp(text: string): string | undefined {
  // Some parsers read a leading zero as octal, others as decimal.
  if (/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) {
    return text.split('.').every((octet) => Number(octet) <= 255) ? text : undefined;
  }
  if (!/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) || !URL.canParse(`http://[${text}]`)) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** The octets of an IP address; `undefined` if it is invalid. */
export function ipOctets(text: string): Buffer | undefined {
  const spelled = normaliseIp(text);
  if (spelled === undefined) return undefined;
  if (!spelled.includes(':')) return Buffer.from(spelled.split('.').map(Number));
  const [head = '', tail] = spelled.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** A string that is the same for two general names if, and only if, they are equal (RFC 5280 section 7). */
export function canonicalGeneralName(name: GeneralName): string {
  if (name.kind === 'directoryName') return `directoryName:${name.value.canonical}`;
  if (name.kind === 'other' || name.kind === 'unreadable') return `other:${name.value.toString('hex')}`;
  return `${name.kind}:${canonicalText(name)}`;
}

// Case-insensitive are the scheme and the host of a URI, and the host of an email address (RFC 5280 sections 7.4,
// 7.5).
function canonicalText({ kind, value }: Extract<GeneralName, { value: string }>): string {
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

/** Converts a text to lower case from an index on; unchanged for -1. */
function lowerFrom(text: string, start: number): string {
  return start < 0 ? text : text.slice(0, start) + text.slice(start).toLowerCase();
}
