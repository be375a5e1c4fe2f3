/**
 * The string representation of distinguished names (RFC 4514).
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { MtlsError } from '../errors.js';
import { DerReader } from './der.js';
import {
  attributeType,
  longName,
  type NameAttribute,
  type RelativeDistinguishedName,
} from './name-attribute.js';
import { decodeString, hasUnsafeCharacter } from './string.js';

// RFC 4514 section 3. Other types are written in dotted form, with their value as #hex (section 2.4).
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.6': 'C',
  '2.5.4.9': 'STREET',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
};

/** Formats a name, the last part first. */
export function formatRfc4514(rdns: readonly RelativeDistinguishedName[]): string {
  return format(rdns, (type) => shortNames[type]);
}

/** Formats a name for people: types without a name in RFC 4514 have their long name, and their value as text. */
export function formatForPeople(rdns: readonly RelativeDistinguishedName[]): string {
  return format(rdns, (type) => shortNames[type] ?? longName(type));
}

function format(
  rdns: readonly RelativeDistinguishedName[],
  nameOf: (type: string) => string | undefined,
): string {
  return rdns
    .map((rdn) => rdn.map((attribute) => formatAttribute(attribute, nameOf(attribute.type))).join('+'))
    .reverse()
    .join(',');
}

function formatAttribute({ type, value, der }: NameAttribute, name: string | undefined): string {
  if (value === undefined || (name === undefined && der.length > 0))
    return `${name ?? type}=#${der.toString('hex')}`;
  return `${name ?? type}=${escape(value)}`;
}

function escape(value: string): string {
  const plain = /^[A-Za-z0-9][A-Za-z0-9 ._:/@-]*$/;
  if (plain.test(value) && !value.endsWith(' ')) return value;
  let text = '';
  const last = value.length - 1;
  let index = 0;
  for (const character of value) {
    const edge = (character === ' ' && (index === 0 || index === last)) || (character === '#' && index === 0);
    if (edge || '"+,;<>\\'.includes(character)) text += `\\${character}`;
    else if (hasUnsafeCharacter(character)) text += hexPairs(character);
    else text += character;
    index += character.length;
  }
  return text;
}

function hexPairs(character: string): string {
  return Buffer.from(character, 'utf8').toString('hex').replace(/../g, '\\$&');
}

/**
 * Parses a name. Beyond the output of {@link formatRfc4514}, it accepts the name of every known attribute type, and
 * spaces around `,`, `+` and `=` as in RFC 2253.
 */
export function parseRfc4514(text: string): RelativeDistinguishedName[] {
  const rdns: NameAttribute[][] = [];
  let offset = 0;
  let joined = false;
  while (offset < text.length || rdns.length > 0) {
    const [attribute, end] = parseAttribute(text, offset);
    if (joined) rdns.at(-1)?.push(attribute);
    else rdns.push([attribute]);
    if (end >= text.length) break;
    joined = text[end] === '+';
    offset = end + 1;
  }
  return rdns.reverse();
}

function parseAttribute(text: string, start: number): [NameAttribute, number] {
  const head = / *([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+) *= */y;
  head.lastIndex = start;
  const name = head.exec(text)?.[1];
  if (name === undefined) throw invalid(text, 'an attribute such as "CN=" was expected', start);
  const type = attributeType(name);
  if (type === undefined)
    throw invalid(text, `"${name}" is not a known attribute type (use the dotted form)`, start);
  const [raw, end] = cutValue(text, head.lastIndex);
  if (!raw.startsWith('#'))
    return [{ type, value: unescape(text, raw, head.lastIndex), der: Buffer.alloc(0) }, end];
  if (!/^#([0-9a-fA-F]{2})+$/.test(raw))
    throw invalid(text, '"#" must be followed by pairs of hex digits', start);
  const der = Buffer.from(raw.slice(1), 'hex');
  const reader = new DerReader(der, { code: 'ERR_MTLS_OPTION_INVALID', noun: 'attribute value' });
  reader.next().finish();
  return [{ type, value: decodeString(reader), der }, end];
}

/** Reads the value from `start` to the next unescaped `,` or `+`, trimmed, and its end. */
function cutValue(text: string, start: number): [string, number] {
  let end = start;
  let last = start;
  while (end < text.length && text[end] !== ',' && text[end] !== '+') {
    const character = text[end] as string;
    if ('";<>'.includes(character)) throw invalid(text, `"${character}" must be escaped`, end);
    end = Math.min(end + (character === '\\' ? 2 : 1), text.length);
    if (character !== ' ') last = end;
  }
  return [text.slice(start, last), end];
}

function unescape(text: string, raw: string, start: number): string {
  const octets: Buffer[] = [];
  const unit = /\\([0-9a-fA-F]{2})|\\([ "#+,;<=>\\])|([^\\]+)/y;
  while (unit.lastIndex < raw.length) {
    const place = unit.lastIndex;
    const [, hex, special, plain] = unit.exec(raw) ?? [];
    if (hex !== undefined) octets.push(Buffer.from(hex, 'hex'));
    else if (special !== undefined || plain !== undefined)
      octets.push(Buffer.from(special ?? plain ?? '', 'utf8'));
    else throw invalid(text, 'a backslash escapes nothing', start + place);
  }
  const value = Buffer.concat(octets);
  if (!isUtf8(value)) throw invalid(text, 'the value is not UTF-8', start);
  return value.toString('utf8');
}

function invalid(text: string, what: string, offset: number): MtlsError {
  const seen = `"${text}" is not a distinguished name of RFC 4514`;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${seen}: ${what}, at character ${offset}`,
    remedy: 'write "CN=client1,O=Example"',
  });
}
