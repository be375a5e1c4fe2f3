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
      seen: 'what is to be explained is no certificate',
      remedy: 'give PEM, DER or an identity',
    });
  }
  const blocks = readBlocks(
    { bytes: Buffer.from(subject), origin: 'what is to be explained' },
    certificateBlocks,
  );
  if (blocks.length > 0) return blocks;
  throw new MtlsError('ERR_MTLS_PEM_INVALID', {
    seen: 'what is to be explained holds no certificate',
    remedy: 'give PEM or DER',
  });
}
