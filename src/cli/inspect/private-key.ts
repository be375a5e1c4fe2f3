/**
 * Private keys: their kind and public key. Nothing else of a key leaves this file.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject, type PrivateKeyInput } from 'node:crypto';
import { type ErrorDetails, MtlsError } from '../../errors.js';
import { describeUnsupported, isUnsupported } from '../../material/private-key.js';
import { DerReader, type DerSubject, Tag } from '../../x509/der.js';
import { type PublicKeyKind, readPublicKeyKind } from '../../x509/public-key.js';
import { readEncryption, type Secret } from './password-encryption.js';

/** The public facts about a private key. */
export interface PrivateKey {
  /** How it is encrypted; `undefined` if it is not. */
  readonly encryption: string | undefined;
  /** `'locked'` if the password is missing or wrong. */
  readonly state: 'open' | 'locked';
  /** Its public key; `undefined` while it is locked. */
  readonly publicKey: PublicKey | undefined;
}

/** A public key. */
export interface PublicKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly der: Buffer;
  readonly kind: PublicKeyKind;
}

/**
 * Parses an unencrypted key.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` if it is not a key.
 */
export function readPrivateKey(der: Buffer, type: 'pkcs8' | 'pkcs1' | 'sec1'): PrivateKey {
  const publicKey = publicHalfOf({ key: der, format: 'der', type });
  if (publicKey === undefined) throw noKey('private');
  return { encryption: undefined, state: 'open', publicKey };
}

/** Parses an EncryptedPrivateKeyInfo (RFC 5958 section 3), and decrypts it if there is a password. */
export function readEncryptedKey(der: Buffer, { password, budget }: Secret): PrivateKey {
  const info = new DerReader(der, keySubject).enter(Tag.sequence);
  const { name, decrypt } = readEncryption(info, describeUnread);
  const data = info.next(Tag.octetString).content;
  const clear = password === undefined ? undefined : decrypt(data, password, budget);
  const publicKey = clear && publicHalfOf({ key: clear, format: 'der', type: 'pkcs8' });
  return { encryption: name, state: publicKey ? 'open' : 'locked', publicKey };
}

function describeUnread(name: string): ErrorDetails {
  // OpenSSL reads some of the others.
  return /^PBE-|RC[24]|^DES-/.test(name)
    ? describeUnsupported(name)
    : {
        seen: `it is encrypted with ${name}, which is not supported`,
        remedy: 're-encrypt it with "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW"',
      };
}

/**
 * Parses a PEM block with a Proc-Type (RFC 1421 section 4.6), the former format of OpenSSL for encrypted keys.
 * @throws MtlsError `ERR_MTLS_FORMAT_UNSUPPORTED` if a password is given and OpenSSL no longer supports the cipher.
 */
export function readOldEncryptedKey(pem: string, password: string | undefined): PrivateKey {
  const cipher = /^DEK-Info: ([A-Z0-9-]{1,30}),/m.exec(pem)?.[1] ?? 'an unknown cipher';
  const publicKey =
    password === undefined
      ? undefined
      : openOldKey({ key: pem, format: 'pem', passphrase: password }, cipher);
  return {
    encryption: `${cipher} in the old format of OpenSSL`,
    state: publicKey ? 'open' : 'locked',
    publicKey,
  };
}

function openOldKey(input: PrivateKeyInput, cipher: string): PublicKey | undefined {
  try {
    return describe(createPublicKey(createPrivateKey(input)));
  } catch (error) {
    if (isUnsupported(error)) throw new MtlsError('ERR_MTLS_FORMAT_UNSUPPORTED', describeUnsupported(cipher));
    return undefined;
  }
}

/**
 * Parses a public key.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` if it is not one.
 */
export function readPublicKey(der: Buffer, type: 'spki' | 'pkcs1'): PublicKey {
  try {
    return describe(createPublicKey({ key: der, format: 'der', type }));
  } catch (error) {
    if (error instanceof MtlsError) throw error;
    throw noKey('public');
  }
}

const keySubject: DerSubject = { code: 'ERR_MTLS_PEM_INVALID', noun: 'key' };

function publicHalfOf(input: PrivateKeyInput): PublicKey | undefined {
  try {
    return describe(createPublicKey(createPrivateKey(input)));
  } catch {
    // The cause could quote the key.
    return undefined;
  }
}

function describe(key: KeyObject): PublicKey {
  const der = key.export({ type: 'spki', format: 'der' });
  return { der, kind: readPublicKeyKind(new DerReader(der, keySubject).enter(Tag.sequence)) };
}

function noKey(which: 'private' | 'public'): MtlsError {
  return new MtlsError('ERR_MTLS_PEM_INVALID', {
    seen: `it looks like a ${which} key but cannot be parsed`,
    remedy: 'it is damaged, or of a kind that OpenSSL does not support',
  });
}
