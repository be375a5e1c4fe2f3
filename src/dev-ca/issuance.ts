/**
 * Server and client certificates: issued once per name, then kept.
 *
 * @module
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { MtlsError } from '../errors.js';
import { parseCertificate as readCertificate } from '../x509/certificate.js';
import type { Authority } from './authority.js';
import { formatSent, readChain } from './chain.js';
import { clientParams, serverParams } from './certificate-options.js';
import type {
  CertificateParams,
  ClientCertificateOptions,
  ServerCertificateOptions,
} from './certificate-options.js';
import { createRow, formatRows, type CertificateKind, type DevCertificate } from './database.js';
import { createFile } from './files.js';
import { describeCertificate, readRows } from './inventory.js';
import { createKeyPair, formatPrivateKey, type KeyAlgorithm } from './keys.js';
import { isFor, pairFiles, readPair, unusable, type PairFiles } from './pair.js';
import { createSerialNumber, signCertificate } from './signing.js';
import type { CertificateNames } from './subject.js';
import { validityFrom } from './validity.js';

/** A certificate in the folder, with its files. */
export interface IssuedCertificate extends DevCertificate {
  /** Whether this call issued it or found it. */
  readonly outcome: 'made' | 'kept';
  /** The NAME of its files. */
  readonly name: string;
  /** `NAME-crt.pem` in the folder. */
  readonly certFile: string;
  /** `NAME-key.pem` in the folder, with mode 0600. */
  readonly keyFile: string;
}

/**
 * Issues or keeps a server certificate.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_PEM_INVALID` or `ERR_MTLS_KEY_MISMATCH` for existing files
 */
export async function issueServer(
  authority: Authority,
  options: ServerCertificateOptions,
): Promise<IssuedCertificate> {
  return issue(authority, serverParams(options));
}

/**
 * Issues or keeps a client certificate.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_PEM_INVALID` or `ERR_MTLS_KEY_MISMATCH` for existing files
 */
export async function issueClient(
  authority: Authority,
  name: string,
  options: ClientCertificateOptions,
): Promise<IssuedCertificate> {
  return issue(authority, clientParams(name, options));
}

/** What to sign. */
interface Signable {
  readonly kind: CertificateKind;
  /** The names, or a certificate to copy the names from. */
  readonly names: CertificateNames | X509Certificate;
  readonly publicKey: KeyObject;
  /** @defaultValue 365 */
  readonly days: number | undefined;
}

/**
 * Signs a certificate, adds its row to the database, and returns PEM with the CAs that are sent with it.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_PEM_INVALID` if the chain cannot be parsed
 */
export async function signAndRecord(authority: Authority, signable: Signable): Promise<string> {
  const { kind, names, publicKey, days = 365 } = signable;
  const sent = formatSent(await readChain(authority));
  const serialNumber = createSerialNumber();
  const validity = validityWithin(authority, days);
  const pem = await signCertificate(
    { profile: kind, names, serialNumber, publicKey, ...validity },
    authority,
  );
  await recordCertificate(authority, pem);
  return pem + sent;
}

/**
 * Adds the row of a new certificate. Done before its file is written: a certificate without a row cannot be revoked.
 */
export async function recordCertificate(authority: Authority, pem: string): Promise<void> {
  const { raw, serialNumber } = new X509Certificate(pem);
  const { subject, notAfter } = readCertificate(raw);
  await appendFile(authority.files.database, formatRows([createRow(serialNumber, notAfter, subject)]));
}

/** The kind of the CA's own key. */
export function algorithmOf({ asymmetricKeyType }: KeyObject): KeyAlgorithm {
  return asymmetricKeyType === 'rsa' ? 'rsa-4096' : 'ec-p256';
}

async function issue(authority: Authority, params: CertificateParams): Promise<IssuedCertificate> {
  const { name, kind } = params;
  const files = pairFiles(authority, name);
  const found = await findCertificate(authority, kind, files);
  const certificate = found ?? (await createCertificate(authority, params, files));
  const described = describeCertificate(certificate, name, await readRows(authority));
  return { outcome: found === undefined ? 'made' : 'kept', ...described, name, ...files };
}

async function createCertificate(
  authority: Authority,
  { kind, names, days, algorithm }: CertificateParams,
  { certFile, keyFile }: PairFiles,
): Promise<X509Certificate> {
  // Validated before the key is generated, which can take a second.
  validityWithin(authority, days ?? 365);
  const { publicKey, privateKey } = await createKeyPair(algorithm ?? algorithmOf(authority.privateKey));
  const pem = await signAndRecord(authority, { kind, names, publicKey, days });
  await createFile(keyFile, formatPrivateKey(privateKey), 'secret');
  await createFile(certFile, pem, 'public');
  return new X509Certificate(pem);
}

async function findCertificate(
  authority: Authority,
  kind: CertificateKind,
  files: PairFiles,
): Promise<X509Certificate | undefined> {
  const pair = await readPair(authority, files);
  if (pair === undefined) return undefined;
  const { certFile, keyFile } = files;
  if (pair.privateKey === undefined) throw unusable(certFile, `exists without ${keyFile}`);
  if (!isFor(kind, pair.certificate)) throw unusable(certFile, `is not a ${kind} certificate`);
  return pair.certificate;
}

/** The period from now for `days`, limited to that of the CA. */
export function validityWithin(authority: Authority, days: number): { notBefore: Date; notAfter: Date } {
  const { notBefore, notAfter } = validityFrom(authority.now(), days);
  const caEnd = new Date(authority.certificate.validTo);
  if (caEnd.getTime() > authority.now()) return { notBefore, notAfter: notAfter < caEnd ? notAfter : caEnd };
  throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${authority.files.certificate} expired at ${caEnd.toISOString()}`,
    remedy: 'create a new CA in another folder',
  });
}
