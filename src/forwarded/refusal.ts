/**
 * How the decoders of this room refuse a value: with an error that says what they saw
 * of it. The reader of the header turns it into a fault, and nothing of it is thrown further.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { shorten } from '../x509/string.js';

/**
 * Refuses a value of a stranger.
 * @param seen - The rest of a sentence that begins with the name of the header: `'is empty'`.
 * @param details - What was expected, and the remedy, where they are other than the usual ones of the header.
 */
export function refuse(
  seen: string,
  details: { readonly expected?: string; readonly remedy?: string } = {},
): never {
  throw new MtlsError('ERR_MTLS_CERTIFICATE_INVALID', { seen, ...details });
}

// Enough to recognize a form by, and less than a certificate or a token.
const longestExcerpt = 32;

/** The beginning of a stranger's text, in quotes, with everything visible in it. */
export function excerpt(text: string): string {
  return `"${shorten(text, longestExcerpt)}"`;
}
