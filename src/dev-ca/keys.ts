/**
 * Key pairs: made here, or read from what OpenSSL made.
 *
 * @module
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { MtlsError } from '../errors.js';

/** What kind of key to make: ECDSA on P-256 (quick, small) or RSA of 4096 bits (a second or more each). */
export type KeyAlgorithm = 'ec-p256' | 'rsa-4096';

/** A fresh key pair. */
export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);

/**
 * Makes a key pair.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where `algorithm` is not a {@link KeyAlgorithm}
 */
export async function createKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  switch (algorithm) {
    case 'ec-p256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'rsa-4096':
      return generate('rsa', { modulusLength: 4096 });
    default:
      throw new MtlsError(
        'ERR_MTLS_OPTION_INVALID',
        `algorithm is ${JSON.stringify(algorithm)}; use "ec-p256" or "rsa-4096"`,
      );
  }
}

/** A private key as PKCS#8 PEM, not encrypted. */
export function formatPrivateKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Reads a private key in PEM: PKCS#8, or OpenSSL's older EC and RSA forms.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` where it is none, or is encrypted
 */
export function parsePrivateKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new MtlsError(
      'ERR_MTLS_PEM_INVALID',
      `${file} does not read as a private key; expected PEM without a passphrase: restore it, or use another folder`,
      { cause: error },
    );
  }
}
