/**
 * The CA of a folder: its key, its certificate and the files beside them; made
 * once, then opened as they are.
 *
 * @module
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { formatCrlNumber, parseCrlNumber, parseRows } from './database.js';
import { createFile, readIfPresent } from './files.js';
import { makeFolder } from './folder.js';
import { createKeyPair, formatPrivateKey, parsePrivateKey, type KeyAlgorithm } from './keys.js';
import { createSerialNumber, signCertificate } from './signing.js';
import { checkSubject, noAltNames } from './subject.js';
import { validityFrom } from './validity.js';

/** A CA whose key and certificate have been seen to belong together. */
export interface Authority {
  readonly outcome: 'made' | 'kept';
  readonly directory: string;
  readonly files: AuthorityFiles;
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Where a CA keeps itself. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
  readonly crl: string;
  readonly database: string;
  readonly crlNumber: string;
}

/** How to make a CA; without effect on one that is there. */
export interface AuthorityParams {
  readonly algorithm: KeyAlgorithm;
  readonly commonName: string;
  readonly days: number;
  /** Opens the key of a CA that is there, and encrypts that of one that is made. */
  readonly passphrase: string | undefined;
}

/**
 * What is in `directory` of a CA. Makes the folder, where a CA is to be made.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` where there is nothing, and that is to fail
 */
export async function lookForAuthority(
  directory: string,
  missing: 'make' | 'fail',
): Promise<'whole' | 'part' | 'nothing'> {
  if (missing === 'make') await makeFolder(directory);
  const present = await Promise.all(
    (Object.values(authorityFiles(directory)) as string[]).map(
      async (file) => (await readIfPresent(file)) !== undefined,
    ),
  );
  if (present.every(Boolean)) return 'whole';
  if (present.some(Boolean)) return 'part';
  if (missing === 'fail') throw noAuthority(directory);
  return 'nothing';
}

/**
 * Opens the CA in `directory`, or makes one where there is no file of a CA at all.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` where only a part of a CA is there, or its certificate is no CA's;
 * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function openAuthority(
  directory: string,
  params: AuthorityParams,
  now: () => number,
): Promise<Authority> {
  const files = authorityFiles(directory);
  const certificate = await readIfPresent(files.certificate);
  const key = await readIfPresent(files.key);
  const database = await readIfPresent(files.database);
  const crlNumber = await readIfPresent(files.crlNumber);
  const crl = await readIfPresent(files.crl);
  if ([certificate, key, database, crlNumber, crl].every((text) => text === undefined)) {
    return { outcome: 'made', directory, files, now, ...(await createAuthority(files, params, now())) };
  }
  if (certificate === undefined) throw incomplete(files.certificate);
  if (key === undefined) throw incomplete(files.key);
  // Their state cannot be guessed: an empty database would let revoked clients in again, and a
  // CRL number that starts over is a rollback. A CRL alone can be written anew from both.
  if (database === undefined) {
    throw incomplete(files.database, 'if nothing was issued yet, an empty file will do');
  }
  if (crlNumber === undefined) {
    throw incomplete(files.crlNumber, 'if there was no CRL yet, a file with "01" will do');
  }
  parseRows(database, files.database);
  parseCrlNumber(crlNumber, files.crlNumber);
  return {
    outcome: 'kept',
    directory,
    files,
    now,
    ...readAuthority(files, certificate, key, params.passphrase),
  };
}

/** Where the CA of a folder keeps itself. */
export function authorityFiles(directory: string): AuthorityFiles {
  return {
    certificate: path.join(directory, 'ca-crt.pem'),
    key: path.join(directory, 'ca-key.pem'),
    crl: path.join(directory, 'ca-crl.pem'),
    database: path.join(directory, 'ca-database.txt'),
    crlNumber: path.join(directory, 'ca-crlnumber.txt'),
  };
}

/**
 * Reads a certificate in PEM.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID`
 */
export function parseCertificate(
  pem: string,
  file: string,
  remedy = 'restore it, or remove it together with its key',
): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new MtlsError(
      'ERR_MTLS_PEM_INVALID',
      { seen: `${file} does not read as a certificate`, expected: 'PEM', remedy },
      { cause: error },
    );
  }
}

/** Whether this CA signed `certificate`. */
export function isIssuedBy(certificate: X509Certificate, authority: Pick<Authority, 'certificate'>): boolean {
  return (
    certificate.checkIssued(authority.certificate) && certificate.verify(authority.certificate.publicKey)
  );
}

type Credentials = Pick<Authority, 'certificate' | 'privateKey'>;

async function createAuthority(
  files: AuthorityFiles,
  params: AuthorityParams,
  nowMs: number,
): Promise<Credentials> {
  const subject = checkSubject({ commonName: params.commonName });
  const validity = validityFrom(nowMs, params.days);
  const { publicKey, privateKey } = await createKeyPair(params.algorithm);
  const serialNumber = createSerialNumber();
  const pem = await signCertificate(
    { profile: 'ca', names: { subject, altNames: noAltNames }, serialNumber, publicKey, ...validity },
    { privateKey },
  );
  await createFile(files.key, formatPrivateKey(privateKey, params.passphrase), 'secret');
  await createFile(files.certificate, pem, 'public');
  await createFile(files.database, '', 'public');
  await createFile(files.crlNumber, formatCrlNumber(1n), 'public');
  return { certificate: new X509Certificate(pem), privateKey };
}

function readAuthority(
  files: AuthorityFiles,
  certificatePem: string,
  keyPem: string,
  passphrase: string | undefined,
): Credentials {
  const certificate = parseCertificate(certificatePem, files.certificate);
  const privateKey = parsePrivateKey(keyPem, files.key, passphrase);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new MtlsError('ERR_MTLS_KEY_MISMATCH', {
      seen: `${files.key} is not the key of ${files.certificate}`,
      remedy: 'restore the pair that was made together, or use another folder',
    });
  }
  if (!certificate.ca) {
    throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
      seen: `${files.certificate} is no CA certificate`,
      expected: 'basicConstraints CA:TRUE',
      remedy: 'make the CA anew in another folder',
    });
  }
  return { certificate, privateKey };
}

function noAuthority(directory: string): MtlsError {
  return new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${directory} has no CA`,
    remedy: 'make one with "express-mtls init", or name the folder that has one',
  });
}

function incomplete(file: string, exception?: string): MtlsError {
  return new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${file} is missing, while other files of a CA are in the folder`,
    remedy: `restore it${exception === undefined ? '' : ` (${exception})`}, or use an empty folder`,
  });
}
