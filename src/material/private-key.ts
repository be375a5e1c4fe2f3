/**
 * A private key in any form that OpenSSL reads, PEM or DER; and of one that does
 * not read, why.
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

/** A key that was read. */
export interface PrivateKey {
  readonly key: KeyObject;
  /** As node:tls reads it; encrypted, if it came so in PEM. */
  readonly pem: string;
  /** Opens `pem`. */
  readonly passphrase: string | undefined;
}

/** A passphrase, and what an error calls it. */
export interface Passphrase {
  readonly value: string | undefined;
  /** What to do about one that is missing: `'give its passphrase as options.passphrase'`. */
  readonly remedy: string;
  /** One that is wrong: `'the given options.passphrase'`. */
  readonly name: string;
}

const expected: Expected = { label: 'PRIVATE KEY', noun: 'private key', code: 'ERR_MTLS_PEM_INVALID' };

/**
 * Reads a key: PKCS#8, encrypted or not, PKCS#1, SEC1, and the old encrypted form of OpenSSL. In PEM the first one
 * counts, and certificates beside it do not.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for what is no key; `ERR_MTLS_PASSPHRASE_INVALID` for a passphrase that is
 *   missing or wrong, and for encryption that OpenSSL does not support.
 */
export function readPrivateKey(source: SourceBytes, passphrase: Passphrase): PrivateKey {
  const stored = findKey(source);
  const key = open(stored, source.origin, passphrase);
  if (stored.pem !== undefined) return { key, pem: stored.pem, passphrase: passphrase.value };
  // node:tls reads no DER.
  return { key, pem: key.export({ format: 'pem', type: 'pkcs8' }).toString(), passphrase: undefined };
}

/** A key as it stands in a source. */
interface StoredKey {
  readonly input: PrivateKeyInput;
  readonly pem: string | undefined;
  /** What encrypts it; `undefined`: nothing. */
  readonly encryption: string | undefined;
  /** What it looks like, for the error. */
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
          seen: `found ${seen} that does not read as a key`,
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

/** What is said about a private key whose cipher is one of the old ones. @param encryption - Its name. */
export function describeUnsupported(encryption: string): Pick<ErrorDetails, 'seen' | 'remedy'> {
  return {
    seen: `the private key is encrypted with ${encryption}: its encryption is not supported by OpenSSL 3`,
    remedy:
      're-encrypt it with "openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in FILE -out NEW"',
  };
}

// OpenSSL looks at the cipher only when it has a passphrase, whichever that is.
function tryAny(input: PrivateKeyInput): unknown {
  try {
    return createPrivateKey({ ...input, passphrase: 'any' });
  } catch (error) {
    return error;
  }
}

/** Whether an error says that OpenSSL lacks the cipher. */
export function isUnsupported(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED';
}
