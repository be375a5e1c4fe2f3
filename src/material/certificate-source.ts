/**
 * Parses the certificates in a source.
 *
 * @module
 */
import { locating } from '../errors.js';
import { type Certificate, parseCertificate } from '../x509/certificate.js';
import { readBlocks } from './blocks.js';
import { type BlockExpectation, certificateBlocks, type SourceBytes } from './sources.js';

/**
 * Parses every certificate in a source.
 * @param expectation - What the source must hold; certificates by default.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` naming the source, the position of the certificate, the field and the
 *   fault.
 */
export function readCertificates(
  source: SourceBytes,
  expectation: BlockExpectation = certificateBlocks,
): Certificate[] {
  return readBlocks(source, expectation).map((der, index, { length }) => {
    const place = length === 1 ? source.origin : `${source.origin}: number ${index + 1} of ${length}`;
    return locating(place, () => parseCertificate(der), 'ERR_MTLS_PEM_INVALID');
  });
}
