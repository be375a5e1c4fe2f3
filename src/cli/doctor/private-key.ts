/**
 * The client's private key: parsed, and compared with the certificate.
 *
 * @module
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { readPrivateKey } from '../../material/private-key.js';
import { type SourceBytes } from '../../material/sources.js';
import { failed, passed, skipped, type Step } from './step.js';

/** A parsed key. */
export interface ClientKey {
  readonly origin: string;
  readonly key: KeyObject;
}

/**
 * Parses a key.
 * @throws MtlsError `ERR_MTLS_PASSPHRASE_INVALID` if the passphrase is missing or wrong, `ERR_MTLS_PEM_INVALID` if it
 *   is not a key.
 */
export function readClientKey(source: SourceBytes, passphrase: string | undefined): ClientKey {
  const remedy = 'set its passphrase with --passphrase-file or EXPRESS_MTLS_KEY_PASSPHRASE';
  const name = 'the passphrase that was given';
  return { origin: source.origin, key: readPrivateKey(source, { value: passphrase, remedy, name }).key };
}

/** `'EC prime256v1'`, `'RSA 2048'`. */
export function describeKey({ key: { asymmetricKeyType, asymmetricKeyDetails } }: ClientKey): string {
  const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength ?? '';
  return `${asymmetricKeyType?.toUpperCase() ?? ''} ${size}`.trim();
}

/** Whether key and certificate match. @param ders - The client's certificate, then the ones after it. */
export function compareKey(client: ClientKey | undefined, ders: readonly Buffer[], origin: string): Step {
  if (client === undefined)
    return skipped('key', 'no --key was given: it cannot be compared with the certificate');
  const places = ders.map((der) => belongs(client.key, der));
  if (places[0] === undefined)
    return skipped('key', 'OpenSSL cannot read the certificate that the key should belong to');
  if (places[0]) return passed('key', 'it belongs to the certificate');
  const place = places.indexOf(true);
  const remedy =
    place > 0
      ? `it is the key of certificate ${place + 1} in that file: put the client's certificate first`
      : 'use a matching pair; one of the two may have been replaced without the other';
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
