/**
 * Base64 (RFC 4648 section 4), strictly.
 *
 * @module
 */
import { excerpt, refuse } from './refusal.js';

/**
 * Decodes base64 exactly as an encoder writes it: padded, with nothing between the digits, and with zeros in the unused
 * bits. So each certificate has one spelling.
 * @throws MtlsError for anything else, which `Buffer.from(text, 'base64')` would skip.
 */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    refuse(`has ${whatIsWrong(text)}`, { expected: 'base64 with padding' });
  return bytes;
}

function whatIsWrong(text: string): string {
  const place = text.search(/[^A-Za-z0-9+/=]/);
  if (place >= 0) return `${excerpt(text.slice(place, place + 8))} at character ${place} of its base64`;
  if (text.length % 4 !== 0)
    return `base64 of ${text.length} characters, which is truncated or lacks its padding`;
  return 'base64 with padding in its middle, or with unused bits that are not zero';
}
