/**
 * `NAME.p12`: a certificate with its key and its CAs in one password-protected file for browsers and phones.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import type { Authority } from './authority.js';
import { readChain } from './chain.js';
import { readIfPresent, replaceFile } from './files.js';
import { pairFiles, readPair } from './pair.js';

/**
 * The options of a PKCS#12 file.
 * @example
 * ```ts
 * await ca.writePkcs12('client1', { friendlyName: 'Alice, laptop' });
 * ```
 */
export interface Pkcs12Options {
  /**
   * The password: at least one character, no control characters.
   * @defaultValue the content of `NAME-p12-password.txt`, or else a random one, which is written there (mode 0600)
   */
  readonly password?: string;
  /**
   * The display name on a device, 1 to 64 characters.
   * @defaultValue its name
   */
  readonly friendlyName?: string;
}

/** A PKCS#12 file that was written. */
export interface Pkcs12File {
  /** `NAME.p12` in the folder, with mode 0600. */
  readonly file: string;
  /** `NAME-p12-password.txt` in the folder; `undefined` if the caller set the password. */
  readonly passwordFile: string | undefined;
}

/**
 * Writes a PKCS#12 file, replacing an existing one.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` if the certificate or its key is missing;
 *   `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function writePkcs12(
  authority: Authority,
  name: string,
  options: Pkcs12Options,
): Promise<Pkcs12File> {
  const files = pairFiles(authority, name);
  const pair = await readPair(authority, files);
  if (pair?.privateKey === undefined) {
    throw new MtlsError('ERR_MTLS_CERTIFICATE_NOT_FOUND', {
      seen: `${pair === undefined ? files.certFile : files.keyFile} is missing`,
      remedy: 'a PKCS#12 file needs a certificate and its key: issue them first',
    });
  }
  const { certificate, privateKey } = pair;
  const file = path.join(authority.directory, `${name}.p12`);
  const passwordFile = path.join(authority.directory, `${name}-p12-password.txt`);
  const kept = options.password === undefined ? (await readIfPresent(passwordFile))?.trim() : undefined;
  const password = checkText('password', options.password ?? kept ?? createPassword());
  const friendlyName = checkText('friendlyName', options.friendlyName ?? name);
  const contents = { certificate, privateKey, authorities: await readChain(authority), friendlyName };
  const { encodePkcs12 } = await import('./pkcs12-encoding.js');
  const encoded = await encodePkcs12(contents, password);
  // The password first: a file without its password is useless.
  if (options.password === undefined) await replaceFile(passwordFile, `${password}\n`, 'secret');
  await replaceFile(file, encoded, 'secret');
  if (options.password === undefined) return { file, passwordFile };
  // The password in that file is not the one of this file.
  await rm(passwordFile, { force: true });
  return { file, passwordFile: undefined };
}

/** 100 bits, in letters and digits that are not easily confused. */
function createPassword(): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  const letters = [...randomBytes(20)].map((octet) => alphabet.charAt(octet % alphabet.length));
  return letters.join('').replace(/.{5}(?!$)/g, '$&-');
}

/** Both are stored in UTF-16, where an unpaired surrogate would differ from its UTF-8 form. */
function checkText(option: 'password' | 'friendlyName', text: string): string {
  if (text !== '' && !/[\p{Cc}\p{Cs}]/u.test(text) && (option === 'password' || text.length <= 64))
    return text;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${option} is empty, too long, or has a control character`,
    remedy: `use ${option === 'password' ? 'at least one character' : '1 to 64 characters'}`,
  });
}
