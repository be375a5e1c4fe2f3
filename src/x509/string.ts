/**
 * The string types of ASN.1, read strictly: a value that its type does not allow is an error.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { type DerReader, Tag } from './der.js';

/** The fault of a string, and its offset. */
export interface StringFault {
  readonly what: string;
  readonly offset: number;
}

/** Decodes the current element; `undefined` if it does not have a string type. */
export function decodeString(reader: DerReader): string | undefined {
  const fault = stringFault(reader);
  if (fault !== undefined) reader.fail(fault.what, fault.offset);
  return decodeSound(reader);
}

/** The fault of the current element as a string; `undefined` if there is none or it does not have a string type. */
export function stringFault(reader: DerReader): StringFault | undefined {
  switch (reader.tag) {
    case Tag.utf8String:
      if (isUtf8(reader.content)) return undefined;
      return { what: 'has a UTF8String that is not UTF-8', offset: reader.contentStart };
    case Tag.printableString:
    case Tag.numericString:
    case Tag.ia5String:
    case Tag.visibleString:
      return asciiFault(reader);
    case Tag.bmpString:
      return bmpFault(reader);
    case Tag.universalString:
      return universalFault(reader);
    default:
      return undefined;
  }
}

/** Decodes an element that has no {@link stringFault}. */
export function decodeSound(reader: DerReader): string | undefined {
  const { bytes, contentStart: start, contentEnd: end } = reader;
  switch (reader.tag) {
    case Tag.utf8String:
      return bytes.toString('utf8', start, end);
    case Tag.printableString:
    case Tag.numericString:
    case Tag.ia5String:
    case Tag.visibleString:
    case Tag.teletexString:
      // T.61 in practice is Latin-1.
      return bytes.toString('latin1', start, end);
    case Tag.bmpString:
      return decodeUnits(reader, 2);
    case Tag.universalString:
      return decodeUnits(reader, 4);
    default:
      return undefined;
  }
}

const asciiTypes: Readonly<Record<number, string>> = {
  [Tag.printableString]: 'a PrintableString',
  [Tag.numericString]: 'a NumericString',
  [Tag.ia5String]: 'an IA5String',
  [Tag.visibleString]: 'a VisibleString',
};

function asciiFault({ bytes, tag, contentStart, contentEnd, content }: DerReader): StringFault | undefined {
  for (let index = contentStart; index < contentEnd; index++) {
    const octet = bytes[index] as number;
    if (octet < 0x80) continue;
    const type = asciiTypes[tag] ?? '';
    const hint = isUtf8(content) ? 'it is UTF-8, which belongs in' : 'text beyond ASCII belongs in';
    const seen = `the octet 0x${octet.toString(16)} in ${type}, which is an ASCII string`;
    return { what: `has ${seen} (${hint} a UTF8String)`, offset: index };
  }
  return undefined;
}

function bmpFault({ bytes, contentStart, contentEnd }: DerReader): StringFault | undefined {
  if ((contentEnd - contentStart) % 2 !== 0)
    return { what: 'has a BMPString of an odd length', offset: contentStart };
  for (let index = contentStart; index < contentEnd; index += 2) {
    const unit = bytes.readUInt16BE(index);
    if (unit >= 0xd800 && unit <= 0xdfff) return { what: 'has a BMPString with a surrogate', offset: index };
  }
  return undefined;
}

function universalFault({ bytes, contentStart, contentEnd }: DerReader): StringFault | undefined {
  if ((contentEnd - contentStart) % 4 !== 0)
    return { what: 'has a UniversalString of an invalid length', offset: contentStart };
  for (let index = contentStart; index < contentEnd; index += 4) {
    const point = bytes.readUInt32BE(index);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return { what: 'has a UniversalString with an invalid character', offset: index };
  }
  return undefined;
}

function decodeUnits({ bytes, contentStart, contentEnd }: DerReader, width: 2 | 4): string {
  let text = '';
  for (let index = contentStart; index < contentEnd; index += width)
    text += String.fromCodePoint(bytes.readUIntBE(index, width));
  return text;
}

// Characters that control, reorder or are invisible, by Unicode properties. \p{C} covers control and format
// characters, private and unassigned ones, noncharacters and surrogates. A letter that is newer than the Unicode
// version of Node counts as unassigned; an invisible character never counts as a letter. No property covers blank
// symbols: BRAILLE PATTERN BLANK, OBJECT REPLACEMENT CHARACTER, MUSICAL SYMBOL NULL NOTEHEAD, KHITAN SMALL SCRIPT
// FILLER, EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK.
const unsafe =
  '[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]|\\u2800|\\ufffc|\\u{1d159}|\\u{16fe4}|\\u{13441}|\\u{13442}';
const unsafeCharacter = new RegExp(unsafe, 'u');
const unsafeCharacters = new RegExp(unsafe, 'gu');
// Nearly every text. This check avoids the tables of the Unicode properties.
const plain = /^[\x20-\x7e]*$/;

/** Whether a text has a character that controls, reorders or is invisible. */
export function hasUnsafeCharacter(text: string): boolean {
  return !plain.test(text) && unsafeCharacter.test(text);
}

/**
 * Replaces the characters that {@link hasUnsafeCharacter} finds.
 * @param escape - Called with one character, of one or two code units.
 */
export function replaceUnsafe(text: string, escape: (character: string) => string): string {
  return plain.test(text) ? text : text.replace(unsafeCharacters, escape);
}

/** Escapes the characters that {@link hasUnsafeCharacter} finds as `\u{202e}`, so that the text is one visible line. */
export function escapeUnsafe(text: string): string {
  return replaceUnsafe(text, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}

/** Shortens a text, which may have 60,000 characters in a certificate, and escapes it with {@link escapeUnsafe}. */
export function shorten(text: string, longest = 200): string {
  return escapeUnsafe(text.length <= longest ? text : `${text.slice(0, longest - 1)}…`);
}
