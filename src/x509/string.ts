/**
 * The string types of ASN.1, read strictly: a value that its type cannot hold is
 * an error, never a guess.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { type DerReader, Tag } from './der.js';

/** What is wrong with a string, and where. */
export interface StringFault {
  readonly what: string;
  readonly offset: number;
}

/** Decodes the element read last; `undefined` if it is no string type. */
export function decodeString(reader: DerReader): string | undefined {
  const fault = stringFault(reader);
  if (fault !== undefined) reader.fail(fault.what, fault.offset);
  return decodeSound(reader);
}

/** What keeps the element read last from being a string of its type; `undefined`: nothing, or it is no string type. */
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

/** {@link decodeString} of an element without {@link stringFault}. */
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
      // T.61 as the field writes and reads it: Latin-1.
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
    return { what: 'has a UniversalString of a broken length', offset: contentStart };
  for (let index = contentStart; index < contentEnd; index += 4) {
    const point = bytes.readUInt32BE(index);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return { what: 'has a UniversalString with what is no character', offset: index };
  }
  return undefined;
}

function decodeUnits({ bytes, contentStart, contentEnd }: DerReader, width: 2 | 4): string {
  let text = '';
  for (let index = contentStart; index < contentEnd; index += width)
    text += String.fromCodePoint(bytes.readUIntBE(index, width));
  return text;
}

// What controls, reorders or hides, by the properties of Unicode: \p{C} is control and format characters, private and
// unassigned ones, noncharacters, surrogates. A character that the Unicode of this Node does not know is unassigned: an
// older Node takes a newer letter for hidden, and no Node takes a hidden character for a letter. For symbols that are
// drawn as nothing there is no property: BRAILLE PATTERN BLANK, OBJECT REPLACEMENT CHARACTER, MUSICAL SYMBOL NULL
// NOTEHEAD, KHITAN SMALL SCRIPT FILLER, EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK.
const unsafe =
  '[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]|\\u2800|\\ufffc|\\u{1d159}|\\u{16fe4}|\\u{13441}|\\u{13442}';
const unsafeCharacter = new RegExp(unsafe, 'u');
const unsafeCharacters = new RegExp(unsafe, 'gu');
// Nearly every text. The properties cost a table each, and are not asked about it.
const plain = /^[\x20-\x7e]*$/;

/** Whether a text holds a character that controls, or changes how the text around it is shown, or is not seen. */
export function hasUnsafeCharacter(text: string): boolean {
  return !plain.test(text) && unsafeCharacter.test(text);
}

/**
 * Replaces what {@link hasUnsafeCharacter} finds.
 * @param escape - Is given one character, of one code unit or of two.
 */
export function replaceUnsafe(text: string, escape: (character: string) => string): string {
  return plain.test(text) ? text : text.replace(unsafeCharacters, escape);
}

/** Text in one line, each character of it visible: what {@link hasUnsafeCharacter} finds is written as `\u{202e}`. */
export function escapeUnsafe(text: string): string {
  return replaceUnsafe(text, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}

/** {@link escapeUnsafe}, cut to a length: a certificate may hold a name of 60,000 characters. */
export function shorten(text: string, longest = 200): string {
  return escapeUnsafe(text.length <= longest ? text : `${text.slice(0, longest - 1)}…`);
}
