/**
 * How the decoders in this folder refuse a value: they throw an error that says what was seen. The reader of the header
 * catches it and returns it as a fault.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { shorten } from '../x509/string.js';

/**
 * Refuses a header value.
 * @param seen - A sentence without its subject, which is the header: `'is empty'`.
 * @param details - What was expected, and a remedy beside the advice about the proxy.
 */
export function refuse(
  seen: string,
  details: { readonly expected?: string; readonly remedy?: string } = {},
): never {
  throw new MtlsError('ERR_MTLS_CERTIFICATE_INVALID', { seen, ...details });
}

// Enough to recognise a form, too short for a certificate or a token.
const longestExcerpt = 32;

/** The beginning of a header's text, in quotes, with invisible characters escaped. */
export function excerpt(text: string): string {
  return `"${shorten(text, longestExcerpt)}"`;
}
