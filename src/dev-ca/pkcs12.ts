/**
 * `NAME.p12`: a certificate with its key and its CAs in one file under a
 * password, as browsers and phones import it.
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

/** How a PKCS#12 file is made. */
export interface Pkcs12Options {
  /**
   * Its password: at least one character, none of them a control character.
   * @defaultValue what is in `NAME-p12-password.txt`, or else a random one, which is written there (mode 0600)
   */
  readonly password?: string;
  /**
   * What a device shows it as, of 1 to 64 characters.
   * @defaultValue its name
   */
  readonly friendlyName?: string;
}

/** A PKCS#12 file that was just written. */
export interface Pkcs12File {
  /** `NAME.p12` in the folder, with mode 0600. */
  readonly file: string;
  /** `NAME-p12-password.txt` in the folder; `undefined` where the caller gave the password. */
  readonly passwordFile: string | undefined;
}

/**
 * Writes a PKCS#12 file, in place of one that is there.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` where there is no such certificate, or no key beside it;
 * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
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
      remedy: 'a PKCS#12 file holds a certificate and its key: issue them first',
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
  // The password first: a file whose password is nowhere is of no use.
  if (options.password === undefined) await replaceFile(passwordFile, `${password}\n`, 'secret');
  await replaceFile(file, encoded, 'secret');
  if (options.password === undefined) return { file, passwordFile };
  // It is not the password of this file.
  await rm(passwordFile, { force: true });
  return { file, passwordFile: undefined };
}

/** 100 bits, in letters and digits that are not taken for one another when they are typed. */
function createPassword(): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  const letters = [...randomBytes(20)].map((octet) => alphabet.charAt(octet % alphabet.length));
  return letters.join('').replace(/.{5}(?!$)/g, '$&-');
}

/** Both go into the file in UTF-16, where half a surrogate pair would not be the same in UTF-8. */
function checkText(option: 'password' | 'friendlyName', text: string): string {
  if (text !== '' && !/[\p{Cc}\p{Cs}]/u.test(text) && (option === 'password' || text.length <= 64))
    return text;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${option} is empty, too long, or has a control character`,
    remedy: `use ${option === 'password' ? 'at least one character' : '1 to 64 characters'}`,
  });
}
