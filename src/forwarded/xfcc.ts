/**
 * Envoy's X-Forwarded-Client-Cert: elements joined by commas, one for each proxy; an
 * element is pairs of key and value joined by semicolons, and a value may be quoted.
 *
 * @module
 */
import { type ForwardedCertificate, onlyOne } from './certificates.js';
import { readPercentPem } from './pem-text.js';
import { excerpt, refuse } from './refusal.js';

const expected = 'one element of X-Forwarded-Client-Cert, with Cert or Chain';

/**
 * Reads a value with one element. A second one is refused, because under `APPEND_FORWARD` the element that the client
 * sent comes first; so is a second `Cert` or `Chain`. `Cert` is the client's certificate, `Chain` the same with those
 * that it sent above it; the two must agree.
 * @throws MtlsError for anything else, and for an element with neither of them: there is nothing to judge in it.
 */
export function readXfcc(value: string): ForwardedCertificate {
  const { cert, chain } = certificatePairs(value);
  if (chain === undefined) {
    if (cert !== undefined) return { leaf: onlyOne(readPercentPem(cert)), chain: [] };
    refuse('has neither Cert nor Chain', { expected });
  }
  const [leaf, ...above] = readPercentPem(chain) as [Buffer, ...Buffer[]];
  if (cert !== undefined && !onlyOne(readPercentPem(cert)).equals(leaf))
    refuse('has a Cert that is not the first certificate of its Chain', { expected });
  return { leaf, chain: above };
}

interface CertificatePairs {
  cert?: string;
  chain?: string;
}

const keyPattern = /[ \t]*([A-Za-z]+)=/y;
// In quotes Envoy writes names in the form of RFC 4514: a backslash escapes a quote, and another backslash.
const quotedPattern = /"((?:[^"\\]|\\[^])*)"/y;
const plainPattern = /[^",;]*/y;

function certificatePairs(text: string): CertificatePairs {
  const pairs: CertificatePairs = {};
  for (let offset = 0; ; offset++) {
    keyPattern.lastIndex = offset;
    const key = keyPattern.exec(text)?.[1]?.toLowerCase();
    if (key === undefined)
      refuse(`has ${excerpt(text.slice(offset))} where a key was expected`, { expected });
    const pattern = text[keyPattern.lastIndex] === '"' ? quotedPattern : plainPattern;
    pattern.lastIndex = keyPattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) refuse('has a quoted value without its end', { expected });
    offset = pattern.lastIndex;
    if (key === 'cert' || key === 'chain') {
      if (pairs[key] !== undefined) refuse(`has ${key} twice`, { expected });
      pairs[key] = match[1] ?? match[0];
    }
    if (offset === text.length) return pairs;
    if (text[offset] === ',') refuse('has a second element', { expected });
    if (text[offset] !== ';') refuse(`has ${excerpt(text.slice(offset))} after a value`, { expected });
  }
}
