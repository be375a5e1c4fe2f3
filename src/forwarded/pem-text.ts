/**
 * PEM as headers carry it: in one line, because a header has no line breaks. Only
 * certificates are allowed, with nothing before, between or after them.
 *
 * @module
 */
import { decodeBase64 } from './base64.js';
import { readDer } from './certificates.js';
import { limits, tooMany } from './limits.js';
import { excerpt, refuse } from './refusal.js';

/**
 * Reads percent-encoded PEM (RFC 3986 section 2.1), as nginx, Envoy and AWS write it. A `+` is itself, not a space:
 * AWS leaves `+`, `=` and `/` as they are.
 * @throws MtlsError for an invalid escape, a character that is neither unreserved nor one of `+=/`, and anything but
 *   PEM of certificates.
 */
export function readPercentPem(value: string): Buffer[] {
  // Escapes of ASCII alone are valid UTF-8, so decodeURIComponent() cannot throw.
  const place = value.search(/%(?![0-7][0-9A-Fa-f])|[^A-Za-z0-9._~+/=%-]/);
  if (place >= 0)
    refuse(`has ${excerpt(value.slice(place, place + 8))} at character ${place} of its percent-encoding`, {
      expected: 'percent-encoded PEM',
    });
  return readPem(decodeURIComponent(value), '\n', 'percent-encoded PEM');
}

/**
 * Reads PEM in which each line break has become a space, as Apache writes it.
 * @throws MtlsError for anything but PEM of certificates.
 */
export function readSpacedPem(value: string): Buffer[] {
  return readPem(value, ' ', 'PEM with spaces for line breaks');
}

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

function readPem(text: string, lineEnd: '\n' | ' ', expected: string): Buffer[] {
  const certificates: Buffer[] = [];
  let offset = 0;
  do {
    if (certificates.length >= limits.certificates) tooMany();
    if (!text.startsWith(begin + lineEnd, offset))
      refuse(`has ${excerpt(text.slice(offset))} where a certificate begins`, { expected });
    const body = offset + begin.length + 1;
    const bodyEnd = text.indexOf(lineEnd + end, body);
    if (bodyEnd < 0) refuse('has a PEM block without its end', { expected });
    certificates.push(readDer(decodeBase64(text.slice(body, bodyEnd).replaceAll(lineEnd, ''))));
    offset = bodyEnd + 1 + end.length;
    if (text[offset] === lineEnd) offset++;
    else if (offset < text.length)
      refuse(`has ${excerpt(text.slice(offset))} after a PEM block`, { expected });
  } while (offset < text.length);
  return certificates;
}
