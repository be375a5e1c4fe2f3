/**
 * The client's private key: read, and compared with the certificate.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { MtlsError } from '../../errors.js';
import { type SourceBytes } from '../../tls/sources.js';
import { isDer } from '../../x509/pem.js';
import { failed, passed, skipped, type Step } from './step.js';

/** A key that was read. */
export interface ClientKey {
  readonly origin: string;
  readonly key: KeyObject;
}

/**
 * Reads a key.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where the passphrase is missing or wrong, `ERR_MTLS_PEM_INVALID` for
 *   what is no key.
 */
export function readClientKey({ bytes, origin }: SourceBytes, passphrase: string | undefined): ClientKey {
  const secret = passphrase === undefined ? {} : { passphrase };
  const form = isDer(bytes) ? ({ format: 'der', type: 'pkcs8' } as const) : ({ format: 'pem' } as const);
  try {
    return { origin, key: createPrivateKey({ key: bytes, ...form, ...secret }) };
  } catch (error) {
    throw describeFault(bytes, origin, passphrase, error);
  }
}

function describeFault(
  bytes: Buffer,
  origin: string,
  passphrase: string | undefined,
  cause: unknown,
): MtlsError {
  const isEncrypted =
    (cause as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE' ||
    (!isDer(bytes) && bytes.includes('ENCRYPTED'));
  const remedy = 'give its passphrase by --passphrase-file or EXPRESS_MTLS_KEY_PASSPHRASE';
  if (isEncrypted && passphrase === undefined)
    return new MtlsError('ERR_MTLS_OPTION_INVALID', `${origin}: the private key is encrypted; ${remedy}`);
  if (isEncrypted)
    return new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `${origin}: the private key cannot be decrypted with the passphrase that was given; ${remedy}`,
    );
  return new MtlsError(
    'ERR_MTLS_PEM_INVALID',
    `${origin}: no private key can be read from it; expected PEM ("-----BEGIN PRIVATE KEY-----") or PKCS#8 in DER`,
  );
}

/** `'EC prime256v1'`, `'RSA 2048'`. */
export function describeKey({ key: { asymmetricKeyType, asymmetricKeyDetails } }: ClientKey): string {
  const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength ?? '';
  return `${asymmetricKeyType?.toUpperCase() ?? ''} ${size}`.trim();
}

/** Whether key and certificate belong together. @param ders - The client's certificate, then what stands behind it. */
export function compareKey(client: ClientKey | undefined, ders: readonly Buffer[], origin: string): Step {
  if (client === undefined)
    return skipped('key', 'no --key was given: whether it belongs to the certificate is not known');
  const places = ders.map((der) => belongs(client.key, der));
  if (places[0] === undefined)
    return skipped('key', 'OpenSSL cannot read the certificate that the key should belong to');
  if (places[0]) return passed('key', 'it belongs to the certificate');
  const place = places.indexOf(true);
  const remedy =
    place > 0
      ? `it is the key of certificate ${place + 1} in that file: put the client's certificate first`
      : 'give the pair that was made together; a new key may have been written without its certificate, or the other way round';
  return failed(
    'key',
    `the key in ${client.origin} does not belong to the certificate in ${origin}: no client can connect with the two`,
    remedy,
  );
}

function belongs(key: KeyObject, der: Buffer): boolean | undefined {
  try {
    return new X509Certificate(der).checkPrivateKey(key);
  } catch {
    return undefined;
  }
}
