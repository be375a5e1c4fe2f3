/**
 * Certificate requests: PKCS#10 (RFC 2986). The schemas of PKCS#10 read the structure, the readers of this folder the
 * names and extensions. Load it on demand: the schemas take about 60 ms.
 *
 * @module
 */
import { CertificationRequest } from '@peculiar/asn1-csr';
import { AsnConvert } from '@peculiar/asn1-schema';
import { MtlsError } from '../errors.js';
import { type CertificateExtensions, readExtensions } from './certificate-extensions.js';
import { DerReader, type DerSubject, Tag } from './der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import { extensionsOf } from './extension-list.js';
import { type PublicKeyKind, readPublicKeyKind } from './public-key.js';
import { readAlgorithm, type Signed } from './signature.js';

/** The content of a request. Nothing is verified: see {@link CertificateRequest.signed}. */
export interface CertificateRequest {
  readonly subject: DistinguishedName;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  readonly publicKeyKind: PublicKeyKind;
  /** The requested extensions; `undefined` if there are none. */
  readonly extensions: CertificateExtensions | undefined;
  /** The types of the requested extensions, dotted, in order. */
  readonly extensionTypes: readonly string[];
  /** The signature with the requester's key, which proves possession of that key (RFC 2986 section 3). */
  readonly signed: Signed;
}

const derSubject: DerSubject = { code: 'ERR_MTLS_PEM_INVALID', noun: 'certificate request' };
// extensionRequest of PKCS#9 (RFC 2985 section 5.4.2), and Microsoft's attribute of the same form.
const extensionRequests = ['1.2.840.113549.1.9.14', '1.3.6.1.4.1.311.2.1.14'];
// A request comes from an unauthenticated party. Real ones have about fifteen levels and a hundred elements.
const bounds = { maxDepth: 64, maxNodes: 10_000, maxContentLength: 1_048_576 };

/**
 * Reads a request.
 * @param der - One request, without trailing bytes.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for anything but a DER request of version 1, and for duplicate or
 *   unreadable extensions.
 */
export function parseCertificateRequest(der: Buffer): CertificateRequest {
  const request = decode(der);
  const { version, subject, subjectPKInfo, attributes } = request.certificationRequestInfo;
  if (version !== 0) throw invalid('has a version other than 1');
  const publicKey = encode(subjectPKInfo);
  const requested = attributes
    .filter(({ type }) => extensionRequests.includes(type))
    .flatMap(({ values }) => values.map((value) => Buffer.from(value)));
  if (requested.length > 1) throw invalid('asks for extensions twice');
  const list = requested[0];
  return {
    subject: readName(readerOf(encode(subject))),
    publicKey,
    publicKeyKind: readPublicKeyKind(readerOf(publicKey).enter(Tag.sequence)),
    extensions: list && readExtensions(readerOf(list).enter(Tag.sequence)),
    extensionTypes: [...extensionsOf(list && readerOf(list).enter(Tag.sequence))].map(({ type }) => type),
    signed: {
      bytes: Buffer.from(request.certificationRequestInfoRaw ?? new ArrayBuffer(0)),
      algorithm: readAlgorithm(readerOf(encode(request.signatureAlgorithm))),
      signature: Buffer.from(request.signature),
    },
  };
}

function decode(der: Buffer): CertificationRequest {
  let request: CertificationRequest;
  try {
    request = AsnConvert.parse(der, CertificationRequest, { berOptions: bounds });
  } catch (error) {
    throw invalid('cannot be parsed', error);
  }
  if (isWritten(request, der)) return request;
  const { certificationRequestInfo: info } = request;
  const { attributes } = info;
  // RFC 2986 is ambiguous on whether an empty set of attributes may be omitted, so both forms are accepted.
  if (attributes.length === 0) {
    Object.assign(info, { attributes: undefined });
    const isDer = isWritten(request, der);
    Object.assign(info, { attributes });
    if (isDer) return request;
  }
  throw invalid('is not DER');
}

/** Whether the request is DER. The schemas accept any BER and invalid strings, but write DER. */
function isWritten(request: CertificationRequest, der: Buffer): boolean {
  try {
    return encode(request).equals(der);
  } catch {
    // The schemas can read values that they cannot write.
    return false;
  }
}

function encode(value: unknown): Buffer {
  return Buffer.from(AsnConvert.serialize(value));
}

function readerOf(der: Buffer): DerReader {
  return new DerReader(der, derSubject);
}

function invalid(fault: string, cause?: unknown): MtlsError {
  return new MtlsError(
    'ERR_MTLS_PEM_INVALID',
    { seen: `the certificate request ${fault}`, remedy: 'create it with openssl req -new' },
    { cause },
  );
}
