/**
 * Structured fields (RFC 8941, RFC 9651), as far as RFC 9440 uses them: a Byte
 * Sequence, or a List of them, with any parameters.
 *
 * @module
 */
import { decodeBase64 } from './base64.js';
import { limits, tooMany } from './limits.js';
import { excerpt, refuse } from './refusal.js';

/**
 * Reads an Item that is a Byte Sequence (RFC 8941 section 4.2): `:MIIB…:`. Parameters must be well formed, and are
 * ignored, because RFC 9440 defines none. Base64 without padding is refused, which section 4.2.7 allows.
 * @throws MtlsError for anything else.
 */
export function readByteSequence(value: string): Buffer {
  const cursor: Cursor = { text: value, offset: 0 };
  skip(cursor, spaces);
  const bytes = nextByteSequence(cursor);
  skip(cursor, spaces);
  if (cursor.offset < value.length) refuseRest(cursor);
  return bytes;
}

/**
 * Reads a List of Byte Sequences (RFC 8941 section 4.2.1): `:MIIB…:, :MIIC…:`. An empty value is an empty List.
 * @throws MtlsError for anything else, and for more members than a request may have certificates.
 */
export function readByteSequenceList(value: string): Buffer[] {
  const cursor: Cursor = { text: value, offset: 0 };
  const members: Buffer[] = [];
  skip(cursor, spaces);
  if (cursor.offset === value.length) return members;
  for (;;) {
    if (members.length >= limits.certificates) tooMany();
    members.push(nextByteSequence(cursor));
    skip(cursor, optionalWhiteSpace);
    if (cursor.offset === value.length) return members;
    if (value[cursor.offset] !== ',') refuseRest(cursor);
    cursor.offset++;
    skip(cursor, optionalWhiteSpace);
  }
}

interface Cursor {
  readonly text: string;
  offset: number;
}

const spaces = / */y;
const optionalWhiteSpace = /[ \t]*/y;
const byteSequence = /:([^:]*):/y;
const parameterStart = /; *[a-z*][a-z0-9_.*-]*/y;
// Decimal and Integer, String, Token, Byte Sequence, Boolean, Date, Display String. The first character tells which.
const bareItem =
  /-?(?:\d{1,12}\.\d{1,3}|\d{1,15}(?!\.))(?!\d)|"(?:[ !#-[\]-~]|\\["\\])*"|[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*|:[A-Za-z0-9+/=]*:|\?[01]|@-?\d{1,15}(?![\d.])|%"(?:[ !#$&-~]|%[0-9a-f]{2})*"/y;

/** The match at the cursor, which moves behind it; `undefined` where there is none. */
function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.offset;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.offset = pattern.lastIndex;
  return match;
}

function skip(cursor: Cursor, pattern: RegExp): void {
  take(cursor, pattern);
}

function nextByteSequence(cursor: Cursor): Buffer {
  const digits = take(cursor, byteSequence)?.[1];
  if (digits === undefined) {
    const rest = cursor.text.slice(cursor.offset);
    refuse(rest.startsWith(':') ? 'has a Byte Sequence without its end' : `has ${excerpt(rest)}`, {
      expected: 'a Byte Sequence, which is base64 between two colons (RFC 8941 section 3.3.5)',
    });
  }
  const bytes = decodeBase64(digits);
  skipParameters(cursor);
  return bytes;
}

function skipParameters(cursor: Cursor): void {
  while (take(cursor, parameterStart) !== undefined) {
    if (cursor.text[cursor.offset] !== '=') continue;
    cursor.offset++;
    const item = take(cursor, bareItem)?.[0];
    if (item === undefined || (item.startsWith('%') && !isUtf8(item))) refuseRest(cursor);
  }
}

/** Whether the escapes of a Display String are UTF-8 (RFC 9651 section 4.2.10). */
function isUtf8(displayString: string): boolean {
  try {
    decodeURIComponent(displayString.slice(1));
    return true;
  } catch {
    return false;
  }
}

function refuseRest({ text, offset }: Cursor): never {
  return refuse(`has ${excerpt(text.slice(offset))} after its first ${offset} characters`, {
    expected: 'nothing there',
  });
}
