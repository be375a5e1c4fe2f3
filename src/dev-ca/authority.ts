/**
 * The CA in a folder: its key, its certificate and its state. It is created once and then opened.
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

/** A CA whose key and certificate match. */
export interface Authority {
  readonly outcome: 'made' | 'kept';
  readonly directory: string;
  readonly files: AuthorityFiles;
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/** The files of a CA. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
  readonly crl: string;
  readonly database: string;
  readonly crlNumber: string;
}

/** How to create a CA. An existing CA is not changed. */
export interface AuthorityParams {
  readonly algorithm: KeyAlgorithm;
  readonly commonName: string;
  readonly days: number;
  /** Decrypts the key of an existing CA; encrypts the key of a new one. */
  readonly passphrase: string | undefined;
}

/**
 * Checks whether `directory` holds a CA. Creates the directory if a CA is to be created.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if there is no CA and none is to be created
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
 * Opens the CA in `directory`, or creates one if no file of a CA is there.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if the CA is incomplete or its certificate is not a CA certificate;
 *   `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
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
  // This state cannot be guessed: an empty database would admit revoked clients again, and a CRL number that starts
  // over is a rollback. Only a missing CRL can be rebuilt, from both files.
  if (database === undefined) {
    throw incomplete(files.database, 'if no certificate was issued yet, create an empty file');
  }
  if (crlNumber === undefined) {
    throw incomplete(files.crlNumber, 'if no CRL was issued yet, create a file with "01"');
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

/** The files of the CA in a folder. */
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
 * Parses a PEM certificate.
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
      { seen: `${file} cannot be parsed as a certificate`, expected: 'PEM', remedy },
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
      remedy: 'restore the matching pair, or use another folder',
    });
  }
  if (!certificate.ca) {
    throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
      seen: `${files.certificate} is not a CA certificate`,
      expected: 'basicConstraints CA:TRUE',
      remedy: 'create a new CA in another folder',
    });
  }
  return { certificate, privateKey };
}

function noAuthority(directory: string): MtlsError {
  return new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${directory} contains no CA`,
    remedy: 'create one with "express-mtls init", or specify the folder of an existing CA',
  });
}

function incomplete(file: string, exception?: string): MtlsError {
  return new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${file} is missing, but the folder has other files of a CA`,
    remedy: `restore it${exception === undefined ? '' : ` (${exception})`}, or use an empty folder`,
  });
}
