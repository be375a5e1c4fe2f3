/**
 * Key pairs: generated here, or read from files of OpenSSL.
 *
 * @module
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type ErrorCode, type ErrorDetails, MtlsError } from '../errors.js';

/** The kind of key to generate: ECDSA on P-256 (fast, small) or RSA with 4096 bits (takes a second or more). */
export type KeyAlgorithm = 'ec-p256' | 'rsa-4096';

/** A new key pair. */
export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);

/**
 * Generates a key pair.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if `algorithm` is not a {@link KeyAlgorithm}
 */
export async function createKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  switch (algorithm) {
    case 'ec-p256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'rsa-4096':
      return generate('rsa', { modulusLength: 4096 });
    default:
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `algorithm is ${JSON.stringify(algorithm)}`,
        remedy: 'use "ec-p256" or "rsa-4096"',
      });
  }
}

/** A private key as PKCS#8 PEM, encrypted with AES-256 if there is a passphrase. */
export function formatPrivateKey(key: KeyObject, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
}

/** Whether a PEM private key is encrypted, in PKCS#8 or in the older form of RFC 1421. */
export function isEncryptedKey(pem: string): boolean {
  return /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(pem);
}

/**
 * Parses a PEM private key: PKCS#8, or OpenSSL's older EC and RSA forms.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` if it is not a key or `passphrase` does not decrypt it
 */
export function parsePrivateKey(pem: string, file: string, passphrase?: string): KeyObject {
  try {
    return createPrivateKey(
      passphrase === undefined || !isEncryptedKey(pem) ? pem : { key: pem, passphrase },
    );
  } catch (error) {
    throw new MtlsError(...faultOf(file, pem, passphrase), { cause: error });
  }
}

function faultOf(
  file: string,
  pem: string,
  passphrase: string | undefined,
): [code: ErrorCode, details: ErrorDetails] {
  if (!isEncryptedKey(pem)) {
    const remedy = 'restore it, or use another folder';
    return [
      'ERR_MTLS_PEM_INVALID',
      { seen: `${file} cannot be parsed as a private key`, expected: 'PEM', remedy },
    ];
  }
  if (passphrase === undefined) {
    const seen = `${file} is encrypted, and no passphrase was given`;
    return ['ERR_MTLS_PASSPHRASE_INVALID', { seen, remedy: 'pass the one it was encrypted with' }];
  }
  const remedy =
    'pass the right one; if OpenSSL no longer supports its encryption, such as DES, re-encrypt it with ' +
    '"openssl pkey -aes256"';
  return [
    'ERR_MTLS_PASSPHRASE_INVALID',
    { seen: `${file} cannot be decrypted with the given passphrase`, remedy },
  ];
}
