/**
 * Certificate requests (PKCS#10, RFC 2986): somebody else's key and what they
 * would like to be called. Read strictly, and believed only as far as it is signed.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { MtlsError } from '../errors.js';
import { context, DerReader, Tag } from '../x509/der.js';
import { type DistinguishedName, readName } from '../x509/distinguished-name.js';
import { type GeneralName, readGeneralNames } from '../x509/general-name.js';
import { isDer, parsePem } from '../x509/pem.js';
import { readAlgorithm, verifySignature } from '../x509/signature.js';

/** What a request says; its signature has been verified, and its key is fit for a certificate. */
export interface CertificateRequest {
  readonly publicKey: KeyObject;
  readonly subject: DistinguishedName;
  readonly altNames: readonly GeneralName[];
  /** The other extensions that it asks for, dotted. */
  readonly otherExtensions: readonly string[];
}

const labels = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];
const subjectAltName = '2.5.29.17';
// PKCS#9's extensionRequest (RFC 2985 section 5.4.2), and Microsoft's of the same form.
const extensionRequests = ['1.2.840.113549.1.9.14', '1.3.6.1.4.1.311.2.1.14'];

/**
 * Reads a request in PEM or DER, and verifies it.
 * @param origin - Where it came from, for the error.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` where it does not read as a request; `ERR_MTLS_REQUEST_INVALID` where its
 * signature does not hold, or its key is weak or of a kind that is not supported
 */
export function parseCertificateRequest(bytes: Buffer, origin: string): CertificateRequest {
  const outer = new DerReader(isDer(bytes) ? bytes : decodePem(bytes, origin), {
    code: 'ERR_MTLS_PEM_INVALID',
    noun: 'certificate request',
  });
  const request = outer.enter(Tag.sequence);
  outer.finish();
  const info = request.enter(Tag.sequence);
  const signedBytes = request.element;
  if (info.smallInteger() !== 0) info.fail('has a version other than 1', info.elementStart);
  const subject = readName(info);
  const spki = info.next(Tag.sequence).element;
  const attributes = info.enterOptional(context(0, 'constructed'));
  info.finish();
  const algorithm = readAlgorithm(request);
  const signature = request.bitStringOctets();
  request.finish();
  const publicKey = readPublicKey(spki, origin);
  // RFC 2986 section 3: it proves that whoever asks has the key.
  if (!verifySignature({ bytes: signedBytes, algorithm, signature }, publicKey)) {
    throw new MtlsError('ERR_MTLS_REQUEST_INVALID', {
      seen: `${origin} is not signed with the key in it, or with an algorithm that is not known here (${algorithm.oid})`,
      remedy: 'ask for a new request',
    });
  }
  return { publicKey, subject, ...readAttributes(attributes) };
}

function decodePem(bytes: Buffer, origin: string): Buffer {
  const blocks = parsePem(bytes, origin);
  const [request, ...others] = blocks.filter(({ label }) => labels.includes(label));
  if (request !== undefined && others.length === 0) return request.der;
  const seen = blocks.map(({ label }) => `"${label}"`).join(', ');
  throw new MtlsError('ERR_MTLS_PEM_INVALID', {
    seen: `${origin} has ${seen}`,
    expected: `one "${String(labels[0])}"`,
    remedy: 'make it with openssl req -new',
  });
}

function readPublicKey(spki: Buffer, origin: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (error) {
    throw new MtlsError(
      'ERR_MTLS_PEM_INVALID',
      { seen: `${origin} has a key that does not read`, remedy: 'ask for a new request' },
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

type Asked = Pick<CertificateRequest, 'altNames' | 'otherExtensions'>;

function readAttributes(attributes: DerReader | undefined): Asked {
  let asked: Asked | undefined;
  while (attributes?.done === false) {
    const attribute = attributes.enter(Tag.sequence);
    const isExtensions = extensionRequests.includes(attribute.oid());
    const values = attribute.enter(Tag.set);
    attribute.finish();
    if (!isExtensions) continue;
    if (asked !== undefined) attributes.fail('asks for extensions twice', attributes.elementStart);
    asked = readExtensions(values.enter(Tag.sequence));
    values.finish();
  }
  return asked ?? { altNames: [], otherExtensions: [] };
}

function readExtensions(list: DerReader): Asked {
  let altNames: GeneralName[] = [];
  const types = new Set<string>();
  while (!list.done) {
    const extension = list.enter(Tag.sequence);
    const type = extension.oid();
    if (types.has(type)) extension.fail(`has the extension ${type} twice`, list.elementStart);
    types.add(type);
    if (extension.at(Tag.boolean)) extension.boolean();
    const value = extension.enter(Tag.octetString);
    extension.finish();
    if (type !== subjectAltName) continue;
    altNames = readGeneralNames(value.enter(Tag.sequence));
    value.finish();
  }
  return { altNames, otherExtensions: [...types].filter((type) => type !== subjectAltName) };
}
