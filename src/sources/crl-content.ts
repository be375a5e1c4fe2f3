/**
 * What a loader needs to know about the bytes of a CRL before it passes them on. The signature is verified later.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { readBlocks } from '../material/blocks.js';
import { crlBlocks } from '../material/sources.js';
import { type CrlOutline, parseCrlOutline } from '../x509/crl.js';
import { isDer, trimDer } from '../x509/pem.js';

// Decoding longer PEM takes milliseconds on this thread; the loading thread does it anyway.
const longestPem = 256 * 1024;

/**
 * The CRLs in a source, without their entries. None for long PEM, which is not decoded.
 * @param origin - Where the bytes come from, for errors.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` or `ERR_MTLS_PEM_INVALID` if they are no CRL, or are truncated.
 */
export function readCrlOutlines(bytes: Buffer, origin: string): readonly CrlOutline[] {
  if (!isDer(trimDer(bytes))) {
    if (!bytes.includes('-----BEGIN X509 CRL-----')) throw notACrl(bytes, origin);
    if (bytes.length > longestPem) return [];
  }
  return readBlocks({ bytes, origin }, crlBlocks).map(parseCrlOutline);
}

function notACrl(bytes: Buffer, origin: string): MtlsError {
  const isHtml = /^\s*<(?:!doctype|html)/i.test(bytes.toString('latin1', 0, 200));
  return new MtlsError('ERR_MTLS_CRL_INVALID', {
    source: origin,
    seen: isHtml ? 'it is an HTML page' : 'it is not a CRL',
    expected: 'a CRL in DER or PEM',
  });
}
