/**
 * A request for a certificate: PKCS#10 (RFC 2986).
 *
 * @module
 */
import { type CertificateExtensions, readExtensions } from '../../x509/certificate.js';
import { context, DerReader, Tag } from '../../x509/der.js';
import { type DistinguishedName, readName } from '../../x509/distinguished-name.js';
import { type PublicKeyKind, readPublicKeyKind } from '../../x509/public-key.js';
import { readAlgorithm, type Signed } from '../../x509/signature.js';

/** What is asked for. */
export interface CertificateRequest {
  readonly subject: DistinguishedName;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly publicKeyKind: PublicKeyKind;
  /** What the certificate is to say; `undefined` where nothing is asked for. */
  readonly extensions: CertificateExtensions | undefined;
  readonly signed: Signed;
}

/**
 * Reads a request.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` with the offset for anything but strict DER.
 */
export function parseCertificateRequest(der: Buffer): CertificateRequest {
  const outer = new DerReader(der, { code: 'ERR_MTLS_PEM_INVALID', noun: 'certificate request' });
  const request = outer.enter(Tag.sequence);
  outer.finish();
  const info = request.enter(Tag.sequence);
  const bytes = request.element;
  if (info.smallInteger() !== 0) info.fail('has a version other than 1', info.elementStart);
  const subject = readName(info);
  const publicKeyKind = readPublicKeyKind(info.enter(Tag.sequence));
  const publicKey = info.element;
  const extensions = readRequestedExtensions(info.enterOptional(context(0, 'constructed')));
  info.finish();
  const algorithm = readAlgorithm(request);
  const signature = request.bitStringOctets();
  request.finish();
  return { subject, publicKey, publicKeyKind, extensions, signed: { bytes, algorithm, signature } };
}

// RFC 2985 section 5.4.2.
function readRequestedExtensions(attributes: DerReader | undefined): CertificateExtensions | undefined {
  let extensions: CertificateExtensions | undefined;
  while (attributes?.done === false) {
    const attribute = attributes.enter(Tag.sequence);
    const type = attribute.oid();
    const values = attribute.enter(Tag.set);
    if (type === '1.2.840.113549.1.9.14') extensions = readExtensions(values.enter(Tag.sequence));
  }
  return extensions;
}
