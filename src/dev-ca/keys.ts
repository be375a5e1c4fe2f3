/**
 * Key pairs: made here, or read from what OpenSSL made.
 *
 * @module
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type ErrorCode, type ErrorDetails, MtlsError } from '../errors.js';

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
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `algorithm is ${JSON.stringify(algorithm)}`,
        remedy: 'use "ec-p256" or "rsa-4096"',
      });
  }
}

/** A private key as PKCS#8 PEM, encrypted with AES-256 where there is a passphrase. */
export function formatPrivateKey(key: KeyObject, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
}

/** Whether a private key in PEM is encrypted: as PKCS#8 says it, or as RFC 1421 did before. */
export function isEncryptedKey(pem: string): boolean {
  return /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(pem);
}

/**
 * Reads a private key in PEM: PKCS#8, or OpenSSL's older EC and RSA forms.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` where it is none, or `passphrase` does not open it
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
      { seen: `${file} does not read as a private key`, expected: 'PEM', remedy },
    ];
  }
  if (passphrase === undefined) {
    const seen = `${file} is encrypted, and no passphrase was given`;
    return ['ERR_MTLS_PASSPHRASE_INVALID', { seen, remedy: 'give the one it was made with' }];
  }
  const remedy =
    'give the one it was made with, or, where its encryption is one that OpenSSL has retired, such as DES, encrypt ' +
    'it anew with "openssl pkey -aes256"';
  return [
    'ERR_MTLS_PASSPHRASE_INVALID',
    { seen: `${file} does not open with the passphrase that was given`, remedy },
  ];
}
