/**
 * Certificates for servers and clients: made once under a name, then kept.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { isIssuedBy, parseCertificate, type Authority } from './authority.js';
import { createRow, formatRows, type DevCertificate } from './database.js';
import { createFile, readIfPresent } from './files.js';
import { describeCertificate, readRows } from './inventory.js';
import { createKeyPair, formatPrivateKey, parsePrivateKey, type KeyAlgorithm } from './keys.js';
import { createSerialNumber, signCertificate, type Profile } from './signing.js';
import { checkAltNames, checkSubject, type AltNames, type Subject } from './subject.js';
import { validityFrom } from './validity.js';

/** What a server certificate says. Without effect on one that is kept. */
export interface ServerCertificateOptions {
  /**
   * The NAME of `NAME-crt.pem` and `NAME-key.pem`.
   * @defaultValue `'server'`; letters, digits, `.`, `_` and `-`, at most 64, the first a letter, a digit or `_`
   */
  readonly name?: string;
  /**
   * Its host names; the first is its commonName too.
   * @defaultValue `['localhost']`
   */
  readonly dns?: readonly string[];
  /**
   * Its IP addresses.
   * @defaultValue `['127.0.0.1', '::1']`
   */
  readonly ip?: readonly string[];
  /**
   * Days until it expires, at the latest with the CA.
   * @defaultValue `365`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
  /**
   * What kind of key to make.
   * @defaultValue the kind of the CA's own key
   */
  readonly algorithm?: KeyAlgorithm;
}

/** What a client certificate says. Without effect on one that is kept. */
export interface ClientCertificateOptions {
  /**
   * Its commonName, of 1 to 64 characters.
   * @defaultValue its name
   */
  readonly commonName?: string;
  /** Its organization, of 1 to 64 characters; none by default. */
  readonly organization?: string;
  /** Its organizational unit, of 1 to 64 characters; none by default. */
  readonly organizationalUnit?: string;
  /** The email address of its subjectAltName; none by default. */
  readonly email?: string;
  /** The URI of its subjectAltName, such as a SPIFFE ID; none by default. */
  readonly uri?: string;
  /** The host names of its subjectAltName; none by default. */
  readonly dns?: readonly string[];
  /**
   * Days until it expires, at the latest with the CA.
   * @defaultValue `365`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
  /**
   * What kind of key to make.
   * @defaultValue the kind of the CA's own key
   */
  readonly algorithm?: KeyAlgorithm;
}

/** A certificate in the folder, with its files. */
export interface IssuedCertificate extends DevCertificate {
  /** Whether this call made it, or found it there. */
  readonly outcome: 'made' | 'kept';
  /** The NAME of its files. */
  readonly name: string;
  /** `NAME-crt.pem` in the folder. */
  readonly certFile: string;
  /** `NAME-key.pem` in the folder, with mode 0600. */
  readonly keyFile: string;
}

interface CertificateParams {
  readonly name: string;
  readonly profile: 'server' | 'client';
  readonly subject: Subject;
  readonly altNames: AltNames;
  readonly days: number | undefined;
  readonly algorithm: KeyAlgorithm | undefined;
}

const ekuByProfile = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/**
 * Makes or keeps a server certificate.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; what is there and is not a match: `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function issueServer(
  authority: Authority,
  options: ServerCertificateOptions,
): Promise<IssuedCertificate> {
  const { name = 'server', dns = ['localhost'], ip = ['127.0.0.1', '::1'], days, algorithm } = options;
  const commonName = dns[0] ?? ip[0];
  if (commonName === undefined) {
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      'dns and ip are both empty; a server needs a name to be called by',
    );
  }
  const altNames = { dns, ip, email: [], uri: [] };
  return issue(authority, { name, profile: 'server', subject: { commonName }, altNames, days, algorithm });
}

/**
 * Makes or keeps a client certificate.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; what is there and is not a match: `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function issueClient(
  authority: Authority,
  name: string,
  options: ClientCertificateOptions,
): Promise<IssuedCertificate> {
  const {
    commonName = name,
    organization,
    organizationalUnit,
    email,
    uri,
    dns = [],
    days,
    algorithm,
  } = options;
  return issue(authority, {
    name,
    profile: 'client',
    subject: { organization, organizationalUnit, commonName },
    altNames: { dns, ip: [], email: email === undefined ? [] : [email], uri: uri === undefined ? [] : [uri] },
    days,
    algorithm,
  });
}

async function issue(authority: Authority, params: CertificateParams): Promise<IssuedCertificate> {
  const name = checkName(params.name);
  const certFile = path.join(authority.directory, `${name}-crt.pem`);
  const keyFile = path.join(authority.directory, `${name}-key.pem`);
  const found = await findCertificate(authority, params.profile, certFile, keyFile);
  const certificate = found ?? (await createCertificate(authority, params, certFile, keyFile));
  const described = describeCertificate(certificate, name, await readRows(authority));
  return { outcome: found === undefined ? 'made' : 'kept', ...described, name, certFile, keyFile };
}

async function createCertificate(
  authority: Authority,
  params: CertificateParams,
  certFile: string,
  keyFile: string,
): Promise<X509Certificate> {
  const subject = checkSubject(params.subject);
  const altNames = checkAltNames(params.altNames);
  const { notBefore, notAfter } = validityWithin(authority, params.days ?? 365);
  const { publicKey, privateKey } = await createKeyPair(params.algorithm ?? algorithmOf(authority));
  const serialNumber = createSerialNumber();
  const pem = await signCertificate(
    {
      profile: params.profile satisfies Profile,
      subject,
      altNames,
      serialNumber,
      notBefore,
      notAfter,
      publicKey,
    },
    authority,
  );
  // The row first: a certificate that the database does not know could never be revoked.
  await appendFile(authority.files.database, formatRows([createRow(serialNumber, notAfter, subject)]));
  await createFile(keyFile, formatPrivateKey(privateKey), 'secret');
  await createFile(certFile, pem, 'public');
  return new X509Certificate(pem);
}

async function findCertificate(
  authority: Authority,
  profile: 'server' | 'client',
  certFile: string,
  keyFile: string,
): Promise<X509Certificate | undefined> {
  const certificatePem = await readIfPresent(certFile);
  const keyPem = await readIfPresent(keyFile);
  if (certificatePem === undefined && keyPem === undefined) return undefined;
  if (certificatePem === undefined) throw unusable(keyFile, `is there without ${certFile}`);
  if (keyPem === undefined) throw unusable(certFile, `is there without ${keyFile}`);
  const certificate = parseCertificate(certificatePem, certFile);
  if (!isIssuedBy(certificate, authority)) {
    throw unusable(certFile, `was issued by another CA than ${authority.files.certificate}`);
  }
  // Node's name for the extended key usages, as OIDs.
  if (!(certificate.keyUsage as string[] | undefined)?.includes(ekuByProfile[profile])) {
    throw unusable(certFile, `is no certificate for a ${profile}`);
  }
  if (!certificate.checkPrivateKey(parsePrivateKey(keyPem, keyFile))) {
    throw new MtlsError(
      'ERR_MTLS_KEY_MISMATCH',
      `${keyFile} is not the key of ${certFile}; restore the pair that was made together, or remove both`,
    );
  }
  return certificate;
}

/** Names become file names, and the CA's own are taken, also where the file system ignores letter case. */
function checkName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && name.toLowerCase() !== 'ca') return name;
  throw new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `name is ${JSON.stringify(name)}; use 1 to 64 letters, digits, ".", "_" or "-", not first "." or "-", and not "ca"`,
  );
}

function validityWithin(authority: Authority, days: number): { notBefore: Date; notAfter: Date } {
  const { notBefore, notAfter } = validityFrom(authority.now(), days);
  const caEnd = new Date(authority.certificate.validTo);
  if (caEnd.getTime() > authority.now()) return { notBefore, notAfter: notAfter < caEnd ? notAfter : caEnd };
  throw new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${authority.files.certificate} expired at ${caEnd.toISOString()}; make the CA anew in another folder`,
  );
}

function algorithmOf(authority: Authority): KeyAlgorithm {
  return authority.privateKey.asymmetricKeyType === 'rsa' ? 'rsa-4096' : 'ec-p256';
}

function unusable(file: string, fault: string): MtlsError {
  return new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${file} ${fault}; nothing is overwritten: remove the certificate and its key, or use another name`,
  );
}
