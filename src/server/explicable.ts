/**
 * The argument of `mtls.explain()`, and the certificates in it.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import { MtlsError } from '../errors.js';
import { type CertificateIdentity } from '../identity/client-identity.js';
import { readBlocks } from '../material/blocks.js';
import { certificateBlocks } from '../material/sources.js';

/** What can be explained: an identity, a certificate, or PEM or DER of one, followed by its intermediates. */
export type Explicable = Pick<CertificateIdentity, 'raw'> | X509Certificate | string | Uint8Array;

/**
 * Returns the certificate to explain, then its intermediates.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for text that is not PEM, or PEM of something other than certificates.
 */
export function certificatesIn(subject: Explicable): Buffer[] {
  if (typeof subject !== 'string' && !(subject instanceof Uint8Array)) {
    const raw: unknown = (subject as Partial<CertificateIdentity> | undefined)?.raw;
    if (raw instanceof Uint8Array) return [Buffer.from(raw)];
    throw new MtlsError('ERR_MTLS_PEM_INVALID', {
      seen: 'the value to explain is not a certificate',
      remedy: 'pass PEM, DER or an identity',
    });
  }
  const blocks = readBlocks(
    { bytes: Buffer.from(subject), origin: 'the value to explain' },
    certificateBlocks,
  );
  if (blocks.length > 0) return blocks;
  throw new MtlsError('ERR_MTLS_PEM_INVALID', {
    seen: 'the value to explain contains no certificate',
    remedy: 'pass PEM or DER',
  });
}
