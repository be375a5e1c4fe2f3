/**
 * Password-based encryption: PBES2 (RFC 8018) and the Triple DES of RFC 7292 appendix B. Other algorithms are
 * reported with a remedy.
 *
 * @module
 */
import { createDecipheriv, pbkdf2Sync } from 'node:crypto';
import { type ErrorDetails, MtlsError } from '../../errors.js';
import { type DerReader, Tag } from '../../x509/der.js';
import { nameEncryption } from '../../x509/encryption-name.js';
import { derivePkcs12Key, type Pkcs12KeyUse } from '../../x509/pkcs12-key.js';

/** An encryption algorithm with its parameters. */
export interface Encryption {
  /** `'AES-256-CBC'`. */
  readonly name: string;
  /** Decrypts; `undefined` if the password is wrong. */
  readonly decrypt: (data: Buffer, password: string, budget: Budget) => Buffer | undefined;
}

// NSS uses 600,000 for each part and for the MAC, whose rounds cost four times as much.
const mostRounds = 4_000_000;

/** The total number of hash rounds for all parts of a file, because the author of the file chooses them. */
export class Budget {
  #left = mostRounds;

  /** @throws MtlsError `ERR_MTLS_FORMAT_UNSUPPORTED` if it is exhausted. */
  spend(rounds: number): void {
    this.#left -= rounds;
    if (this.#left < 0) {
      throw new MtlsError('ERR_MTLS_FORMAT_UNSUPPORTED', {
        seen: `opening it would take more than ${mostRounds.toLocaleString('en')} rounds of hashing (one part asks for ${rounds})`,
        remedy: 'write it again with fewer',
      });
    }
  }
}

/** {@link derivePkcs12Key} within a budget. A round costs more than one of PBKDF2, because it runs in JavaScript. */
export function derivePkcs12KeyWithin(budget: Budget, password: string, use: Pkcs12KeyUse): Buffer {
  return derivePkcs12Key(password, use, (rounds) => {
    budget.spend(4 * rounds);
  });
}

/** The password and the limits for opening a file. */
export interface Secret {
  /** `undefined` if none was given. */
  readonly password: string | undefined;
  /** The budget of the whole file. */
  readonly budget: Budget;
}

/**
 * Parses an AlgorithmIdentifier of password-based encryption.
 * @param describe - The error for an unsupported algorithm, by its name.
 */
export function readEncryption(
  reader: DerReader,
  describe: (name: string) => ErrorDetails = describeUnread,
): Encryption {
  const algorithm = reader.enter(Tag.sequence);
  const oid = algorithm.oid();
  if (oid === '1.2.840.113549.1.5.13') return readPbes2(algorithm.enter(Tag.sequence), describe);
  if (oid === '1.2.840.113549.1.12.1.3') return readTripleDes(algorithm.enter(Tag.sequence));
  return unreadEncryption(nameEncryption(oid), describe);
}

function unreadEncryption(name: string, describe: (name: string) => ErrorDetails): Encryption {
  return {
    name,
    decrypt: () => {
      throw new MtlsError('ERR_MTLS_FORMAT_UNSUPPORTED', describe(name));
    },
  };
}

function describeUnread(name: string): ErrorDetails {
  return {
    seen: `a part of it is encrypted with ${name}, which is not supported`,
    remedy:
      '"openssl pkcs12 -legacy -nokeys -in OLD.p12 -out certs.pem" writes its certificates to a file that is',
  };
}

const ciphers: Readonly<Record<string, { readonly name: string; readonly keyBytes: number } | undefined>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'AES-128-CBC', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'AES-192-CBC', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'AES-256-CBC', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'DES-EDE3-CBC', keyBytes: 24 },
};

// RFC 8018 appendix A.4.
function readPbes2(parameters: DerReader, describe: (name: string) => ErrorDetails): Encryption {
  const derive = readPbkdf2(parameters);
  const scheme = parameters.enter(Tag.sequence);
  const oid = scheme.oid();
  const cipher = ciphers[oid];
  if (cipher === undefined) return unreadEncryption(nameEncryption(oid), describe);
  if (derive === undefined)
    return unreadEncryption(`${cipher.name} and a derivation other than PBKDF2`, describe);
  const iv = scheme.next(Tag.octetString).content;
  return {
    name: cipher.name,
    decrypt: (data, password, budget) =>
      decipher(
        cipher.name,
        derive(Buffer.from(password, 'utf8'), budget, cipher.keyBytes),
        Buffer.from(iv),
        data,
      ),
  };
}

/** Derives a key from a password. `length`, in bytes, is used if the parameters have none. */
export type Derivation = (password: Buffer, budget: Budget, length: number) => Buffer;

const macs: Readonly<Record<string, string | undefined>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

/** The hash in an AlgorithmIdentifier of HMAC. */
export function readHmac(reader: DerReader): string | undefined {
  return macs[reader.enter(Tag.sequence).oid()];
}

/** Parses an AlgorithmIdentifier of PBKDF2 (RFC 8018 appendix A.2); `undefined` for another algorithm. */
export function readPbkdf2(reader: DerReader): Derivation | undefined {
  const algorithm = reader.enter(Tag.sequence);
  if (algorithm.oid() !== '1.2.840.113549.1.5.12') return undefined;
  const parameters = algorithm.enter(Tag.sequence);
  const salt = parameters.next(Tag.octetString).content;
  const iterations = parameters.smallInteger();
  const stated = parameters.at(Tag.integer) ? parameters.smallInteger() : undefined;
  const hash = parameters.done ? 'sha1' : readHmac(parameters);
  if (hash === undefined || iterations === 0 || (stated !== undefined && (stated < 1 || stated > 64)))
    return undefined;
  return (password, budget, length) => {
    budget.spend(iterations);
    return pbkdf2Sync(password, salt, iterations, stated ?? length, hash);
  };
}

// RFC 7292 appendix C: pbeWithSHAAnd3-KeyTripleDES-CBC.
function readTripleDes(parameters: DerReader): Encryption {
  const salt = Buffer.from(parameters.next(Tag.octetString).content);
  const iterations = parameters.smallInteger();
  return {
    name: 'Triple DES with SHA-1',
    decrypt: (data, password, budget) => {
      const use = { hash: 'sha1', salt, iterations } as const;
      const key = derivePkcs12KeyWithin(budget, password, { ...use, id: 1, length: 24 });
      const iv = derivePkcs12KeyWithin(budget, password, { ...use, id: 2, length: 8 });
      return decipher('DES-EDE3-CBC', key, iv, data);
    },
  };
}

function decipher(name: string, key: Buffer, iv: Buffer, data: Buffer): Buffer | undefined {
  try {
    const cipher = createDecipheriv(name.toLowerCase(), key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    return undefined;
  }
}
