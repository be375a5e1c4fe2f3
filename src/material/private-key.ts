/**
 * A private key in any form that OpenSSL reads, PEM or DER, and why a key cannot be read.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, type PrivateKeyInput } from 'node:crypto';
import { type ErrorDetails, MtlsError } from '../errors.js';
import { type DerKind, kindOfDer } from '../x509/der-kind.js';
import { encryptionOf } from '../x509/encryption-name.js';
import { formatPem, isDer, parsePem, type PemBlock, trimDer } from '../x509/pem.js';
import { type SourceBytes } from './sources.js';
import { type Expected, wrongKind } from './wrong-kind.js';

/** A parsed key. */
export interface PrivateKey {
  readonly key: KeyObject;
  /** PEM for node:tls; encrypted if the source has encrypted PEM. */
  readonly pem: string;
  /** The passphrase of `pem`. */
  readonly passphrase: string | undefined;
}

/** A passphrase, and its name in errors. */
export interface Passphrase {
  readonly value: string | undefined;
  /** What to do if it is missing: `'set its passphrase in options.passphrase'`. */
  readonly remedy: string;
  /** Its name if it is wrong: `'the given options.passphrase'`. */
  readonly name: string;
}

const expected: Expected = { label: 'PRIVATE KEY', noun: 'private key', code: 'ERR_MTLS_PEM_INVALID' };

/**
 * Reads a key: PKCS#8, encrypted or not, PKCS#1, SEC1, or the old encrypted form of OpenSSL. In PEM, the first key is
 * used, and certificates are skipped.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` if there is no key, `ERR_MTLS_PASSPHRASE_INVALID` if the passphrase is
 *   missing or wrong, or if OpenSSL does not support the encryption.
 */
export function readPrivateKey(source: SourceBytes, passphrase: Passphrase): PrivateKey {
  const stored = findKey(source);
  const key = open(stored, source.origin, passphrase);
  if (stored.pem !== undefined) return { key, pem: stored.pem, passphrase: passphrase.value };
  // node:tls does not read DER.
  return { key, pem: key.export({ format: 'pem', type: 'pkcs8' }).toString(), passphrase: undefined };
}

/** A key in the form of its source. */
interface StoredKey {
  readonly input: PrivateKeyInput;
  readonly pem: string | undefined;
  /** How it is encrypted; `undefined` if it is not. */
  readonly encryption: string | undefined;
  /** What it looks like, for errors. */
  readonly seen: string;
}

function findKey({ bytes, origin }: SourceBytes): StoredKey {
  const der = trimDer(bytes);
  const kind = kindOfDer(der);
  if (kind === undefined && !isDer(der)) return findPemKey(parsePem(bytes, origin), origin);
  const type = kind && derTypes[kind];
  if (type === undefined) throw wrongKind(origin, { pemLabel: undefined, kind }, expected);
  return {
    input: { key: der, format: 'der', type },
    pem: undefined,
    encryption: kind === 'encrypted-pkcs8' ? (encryptionOf(der) ?? 'unknown') : undefined,
    seen: 'DER',
  };
}

const derTypes: Readonly<Partial<Record<DerKind, 'pkcs8' | 'pkcs1' | 'sec1'>>> = {
  pkcs8: 'pkcs8',
  'encrypted-pkcs8': 'pkcs8',
  pkcs1: 'pkcs1',
  sec1: 'sec1',
};

function findPemKey(blocks: readonly PemBlock[], origin: string): StoredKey {
  const block = blocks.find(({ label }) => /^(?:(?:ENCRYPTED|RSA|EC|DSA|ANY) )?PRIVATE KEY$/.test(label));
  const [first] = blocks;
  if (block === undefined) {
    const { label = '', der = Buffer.alloc(0) } = first ?? {};
    throw wrongKind(origin, { pemLabel: label, kind: kindOfDer(der) }, expected);
  }
  const pem = formatPem(block);
  return {
    input: { key: pem, format: 'pem' },
    pem,
    encryption: encryptionOfBlock(block),
    seen: `a PEM block "${block.label}"`,
  };
}

function encryptionOfBlock({ label, der, headers }: PemBlock): string | undefined {
  if (headers?.includes('ENCRYPTED') === true)
    return /^DEK-Info: ([A-Z0-9-]{1,30}),/m.exec(headers)?.[1] ?? 'unknown';
  return label === 'ENCRYPTED PRIVATE KEY' ? (encryptionOf(der) ?? 'unknown') : undefined;
}

function open({ input, encryption, seen }: StoredKey, origin: string, passphrase: Passphrase): KeyObject {
  const { value, remedy, name } = passphrase;
  try {
    return createPrivateKey({ ...input, ...(value === undefined ? {} : { passphrase: value }) });
  } catch (cause) {
    if (encryption === undefined) {
      throw new MtlsError(
        'ERR_MTLS_PEM_INVALID',
        {
          source: origin,
          seen: `found ${seen} that cannot be parsed as a key`,
          expected: 'a private key ("-----BEGIN PRIVATE KEY-----") or PKCS#8 in DER',
        },
        { cause },
      );
    }
    const isLocked = value === undefined;
    if (isUnsupported(isLocked ? tryAny(input) : cause))
      throw new MtlsError(
        'ERR_MTLS_FORMAT_UNSUPPORTED',
        { source: origin, ...describeUnsupported(encryption) },
        { cause },
      );
    const fault = isLocked
      ? { seen: 'the private key is encrypted', remedy }
      : { seen: `the private key cannot be decrypted with ${name}`, remedy };
    throw new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', { source: origin, ...fault }, { cause });
  }
}

/** The fault and remedy for a private key with an outdated cipher. @param encryption - The name of the cipher. */
export function describeUnsupported(encryption: string): Pick<ErrorDetails, 'seen' | 'remedy'> {
  return {
    seen: `the private key is encrypted with ${encryption}, which OpenSSL 3 does not support`,
    remedy:
      're-encrypt it with "openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in FILE -out NEW"',
  };
}

// OpenSSL only checks the cipher if there is a passphrase, even a wrong one.
function tryAny(input: PrivateKeyInput): unknown {
  try {
    return createPrivateKey({ ...input, passphrase: 'any' });
  } catch (error) {
    return error;
  }
}

/** Whether an error means that OpenSSL lacks the cipher. */
export function isUnsupported(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED';
}
