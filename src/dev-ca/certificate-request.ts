/**
 * Parses and verifies a certificate request (PKCS#10): the public key and the requested names. The signature proves
 * possession of the private key, and nothing about the names.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { locating, MtlsError } from '../errors.js';
import type { CertificateRequest } from '../x509/certificate-request.js';
import { isDer, parsePem } from '../x509/pem.js';
import { verifySignature } from '../x509/signature.js';

/** A request with a valid signature and a key that is suitable for a certificate. */
export interface VerifiedRequest extends Pick<
  CertificateRequest,
  'subject' | 'extensions' | 'extensionTypes'
> {
  readonly publicKey: KeyObject;
}

const labels = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

/**
 * Parses a request in PEM or DER, and verifies it.
 * @param origin - Where it came from, for errors.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` if it cannot be parsed; `ERR_MTLS_REQUEST_INVALID` if its signature is
 *   invalid or its key is weak or unsupported
 */
export async function verifyRequest(bytes: Buffer, origin: string): Promise<VerifiedRequest> {
  const { parseCertificateRequest } = await import('../x509/certificate-request.js');
  const der = isDer(bytes) ? bytes : decodePem(bytes, origin);
  const {
    subject,
    publicKey: spki,
    extensions,
    extensionTypes,
    signed,
  } = locating(origin, () => parseCertificateRequest(der));
  const publicKey = readPublicKey(spki, origin);
  if (!verifySignature(signed, publicKey)) {
    throw new MtlsError('ERR_MTLS_REQUEST_INVALID', {
      seen: `${origin} is not signed with its own key, or the algorithm ${signed.algorithm.oid} is not supported`,
      remedy: 'ask for a new request',
    });
  }
  return { publicKey, subject, extensions, extensionTypes };
}

function decodePem(bytes: Buffer, origin: string): Buffer {
  const blocks = parsePem(bytes, origin);
  const [request, ...others] = blocks.filter(({ label }) => labels.includes(label));
  if (request !== undefined && others.length === 0) return request.der;
  const seen = blocks.map(({ label }) => `"${label}"`).join(', ');
  throw new MtlsError('ERR_MTLS_PEM_INVALID', {
    seen: `${origin} has ${seen}`,
    expected: `one "${String(labels[0])}"`,
    remedy: 'create it with openssl req -new',
  });
}

function readPublicKey(spki: Buffer, origin: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (error) {
    throw new MtlsError(
      'ERR_MTLS_PEM_INVALID',
      { seen: `${origin} has a key that cannot be parsed`, remedy: 'ask for a new request' },
      { cause: error },
    );
  }
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const isRsa = key.asymmetricKeyType === 'rsa';
  const isEc = key.asymmetricKeyType === 'ec';
  if (isRsa && modulusLength >= 2048 && publicExponent >= 3n) return key;
  if (isEc && ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve)) return key;
  const seen = isRsa
    ? `RSA of ${String(modulusLength)} bits`
    : `${String(key.asymmetricKeyType)}${isEc ? ` on ${namedCurve === '' ? 'a curve without a name' : namedCurve}` : ''}`;
  throw new MtlsError('ERR_MTLS_REQUEST_INVALID', {
    seen: `${origin} has a key of ${seen}`,
    expected: 'RSA of 2048 bits or more, or EC on P-256, P-384 or P-521',
    remedy: 'ask for a new request',
  });
}
