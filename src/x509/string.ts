/**
 * The string types of ASN.1, read strictly: a value that its type cannot hold is
 * an error, never a guess.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { type DerReader, Tag } from './der.js';

/** Decodes the element read last; `undefined` if it is no string type. */
export function decodeString(reader: DerReader): string | undefined {
  const { bytes, contentStart: start, contentEnd: end } = reader;
  switch (reader.tag) {
    case Tag.utf8String:
      if (!isUtf8(reader.content)) reader.fail('has a UTF8String that is not UTF-8', start);
      return bytes.toString('utf8', start, end);
    case Tag.printableString:
    case Tag.numericString:
    case Tag.ia5String:
    case Tag.visibleString:
      return decodeAscii(reader);
    case Tag.teletexString:
      // T.61 as the field writes and reads it: Latin-1.
      return bytes.toString('latin1', start, end);
    case Tag.bmpString:
      return decodeBmp(reader);
    case Tag.universalString:
      return decodeUniversal(reader);
    default:
      return undefined;
  }
}

/** Decodes the element read last as ASCII, whatever its tag says (IA5String under an IMPLICIT tag). */
export function decodeAscii(reader: DerReader): string {
  const { bytes, contentStart: start, contentEnd: end } = reader;
  for (let index = start; index < end; index++) {
    if ((bytes[index] as number) >= 0x80) reader.fail('has an ASCII string with other characters', index);
  }
  return bytes.toString('latin1', start, end);
}

function decodeBmp(reader: DerReader): string {
  const { bytes, contentStart: start, contentEnd: end } = reader;
  if ((end - start) % 2 !== 0) reader.fail('has a BMPString of an odd length', start);
  let text = '';
  for (let index = start; index < end; index += 2) {
    const unit = bytes.readUInt16BE(index);
    if (unit >= 0xd800 && unit <= 0xdfff) reader.fail('has a BMPString with a surrogate', index);
    text += String.fromCharCode(unit);
  }
  return text;
}

function decodeUniversal(reader: DerReader): string {
  const { bytes, contentStart: start, contentEnd: end } = reader;
  if ((end - start) % 4 !== 0) reader.fail('has a UniversalString of a broken length', start);
  let text = '';
  for (let index = start; index < end; index += 4) {
    const point = bytes.readUInt32BE(index);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      reader.fail('has a UniversalString with what is no character', index);
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

// C0, DEL, C1, the line separators, and whatever reorders or hides what follows it.
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;

/** Whether a text holds a control character or one that changes how the text around it is shown. */
export function hasUnsafeCharacter(text: string): boolean {
  return unsafe.test(text);
}
