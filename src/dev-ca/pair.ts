/**
 * A certificate in the folder and its key: their files, and whether they match each other and this CA.
 *
 * @module
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { purposes } from '../x509/purpose.js';
import { isIssuedBy, parseCertificate, type Authority } from './authority.js';
import type { CertificateKind } from './database.js';
import { readIfPresent } from './files.js';
import { isEncryptedKey, parsePrivateKey } from './keys.js';
import { shellCommand } from './shell.js';

/** The files of one name. */
export interface PairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate of this CA. Its key is `undefined` if it is elsewhere, as after signing a request. */
export interface Pair {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject | undefined;
}

/**
 * The files of a name.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if the name is invalid
 */
export function pairFiles(authority: Authority, name: string): PairFiles {
  checkName(name);
  const { directory } = authority;
  return {
    certFile: path.join(directory, `${name}-crt.pem`),
    keyFile: path.join(directory, `${name}-key.pem`),
  };
}

/**
 * Reads a certificate and its key; `undefined` if neither exists.
 * @throws MtlsError `ERR_MTLS_FILE_EXISTS` for a key without a certificate, or a certificate of another CA;
 *   `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function readPair(authority: Authority, files: PairFiles): Promise<Pair | undefined> {
  const { certFile, keyFile } = files;
  const certificatePem = await readIfPresent(certFile);
  const keyPem = await readIfPresent(keyFile);
  if (certificatePem === undefined && keyPem === undefined) return undefined;
  if (certificatePem === undefined) throw unusable(keyFile, `exists without ${certFile}`);
  const certificate = parseCertificate(certificatePem, certFile);
  if (!isIssuedBy(certificate, authority)) {
    throw unusable(certFile, `was issued by another CA than ${authority.files.certificate}`);
  }
  if (keyPem === undefined) return { certificate, privateKey: undefined };
  if (isEncryptedKey(keyPem)) {
    throw new MtlsError('ERR_MTLS_FORMAT_UNSUPPORTED', {
      seen: `${keyFile} is encrypted; only the CA key can be encrypted`,
      remedy: 'decrypt it with "openssl pkey -in FILE -out NEWFILE"',
    });
  }
  const privateKey = parsePrivateKey(keyPem, keyFile);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new MtlsError('ERR_MTLS_KEY_MISMATCH', {
      seen: `${keyFile} is not the key of ${certFile}`,
      remedy: 'restore the matching pair, or remove both',
    });
  }
  return { certificate, privateKey };
}

const ekuByKind = { server: purposes.serverAuth, client: purposes.clientAuth } as const;

/** Whether a certificate states that it is for a server or for a client. */
export function isFor(kind: CertificateKind, certificate: X509Certificate): boolean {
  // The extended key usages as object identifiers; `undefined` if there are none.
  const usages = certificate.keyUsage as string[] | undefined;
  return usages?.includes(ekuByKind[kind]) ?? false;
}

/** What a certificate is for; `undefined` if it states neither purpose or both. */
export function kindOf(certificate: X509Certificate): CertificateKind | undefined {
  const [kind, ...others] = (['client', 'server'] as const).filter((each) => isFor(each, certificate));
  return others.length === 0 ? kind : undefined;
}

/** The error for a file of a pair that is in the way. */
export function unusable(file: string, fault: string): MtlsError {
  const pair = file.replace(/-(?:crt|key)\.pem$/, '');
  return new MtlsError('ERR_MTLS_FILE_EXISTS', {
    seen: `${file} ${fault}`,
    remedy: `nothing is overwritten: to replace it, remove the certificate and its key with "${shellCommand('rm', '-f', `${pair}-crt.pem`, `${pair}-key.pem`)}", or use another name`,
  });
}

/** Names become file names. Those of the CA's own files are reserved, also on case-insensitive file systems. */
export function checkName(name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && name.toLowerCase() !== 'ca') return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `name is ${JSON.stringify(name)}`,
    remedy: 'use 1 to 64 letters, digits, ".", "_" or "-", not starting with "." or "-", and not "ca"',
  });
}
