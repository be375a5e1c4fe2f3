/**
 * The development CA: its operations, bound to one folder and executed one at a time, so that concurrent calls do not
 * lose each other's rows.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { lookForAuthority, openAuthority, type Authority } from './authority.js';
import type { ClientCertificateOptions, ServerCertificateOptions } from './certificate-options.js';
import type { DevCertificate } from './database.js';
import { readIfPresent } from './files.js';
import { faultOfFolder } from './folder.js';
import { listCertificates } from './inventory.js';
import { issueIntermediate, type IntermediateCa, type IntermediateOptions } from './intermediate.js';
import { issueClient, issueServer, type IssuedCertificate } from './issuance.js';
import type { KeyAlgorithm } from './keys.js';
import { withLock } from './lock.js';
import { finishReplacements, hasInterruptedReplacement } from './pair-replacement.js';
import { writePkcs12, type Pkcs12File, type Pkcs12Options } from './pkcs12.js';
import { renewCertificate, type RenewedCertificate, type RenewOptions } from './renewal.js';
import { signClientRequest, signServerRequest } from './request-signing.js';
import type { RequestSource, SignedRequest } from './request-signing.js';
import { readNextUpdate, revokeCertificate, revokeFile, writeCrl } from './revocation-list.js';
import { createTurns } from './turns.js';
import type { CrlFile, CrlOptions, RevocationOutcome, RevokeOptions } from './revocation-list.js';

/**
 * How {@link openDevCa} opens or creates a CA. For an existing CA, only `passphrase` and `now` have an effect.
 * @example
 * ```ts
 * const ca = await openDevCa('certs-dev', { commonName: 'Example CA', algorithm: 'rsa-4096' });
 * ```
 */
export interface DevCaOptions {
  /**
   * The kind of key to generate.
   * @defaultValue `'ec-p256'`
   */
  readonly algorithm?: KeyAlgorithm;
  /**
   * The commonName of the CA, 1 to 64 characters.
   * @defaultValue `'ca'`
   */
  readonly commonName?: string;
  /**
   * The lifetime in days.
   * @defaultValue `3650`; above 0, at most 36_500, fractions allowed
   */
  readonly days?: number;
  /**
   * The passphrase of the CA key. It decrypts the key of an existing CA, and encrypts that of a new one with AES-256.
   * Not empty; none by default.
   */
  readonly passphrase?: string;
  /**
   * Whether a missing CA is created or is an error.
   * @defaultValue `'make'`
   */
  readonly missing?: 'make' | 'fail';
  /**
   * The clock, in milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: () => number;
}

/**
 * A development CA in a folder. Processes that write to the same folder take turns: each waits up to 15 seconds, then
 * throws `ERR_MTLS_CA_LOCKED`. `openssl ca` does not participate.
 */
export interface DevCa {
  /** Whether {@link openDevCa} created the CA or opened an existing one. */
  readonly outcome: 'made' | 'kept';
  /** The folder, as passed to {@link openDevCa}. */
  readonly directory: string;
  /** `ca-crt.pem` in the folder. */
  readonly certFile: string;
  /** `ca-key.pem` in the folder, with mode 0600. */
  readonly keyFile: string;
  /** `ca-crl.pem` in the folder. */
  readonly crlFile: string;
  /**
   * Issues a server certificate with a new key. An existing pair with the same name is kept, even if it is revoked or
   * expired.
   * @param options - The contents; by default for localhost, valid for a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_FILE_EXISTS` if only one of the two files exists, or if
   *   they belong to another CA; `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   * @example
   * ```ts
   * const { certFile, keyFile } = await ca.issueServer({ dns: ['localhost', 'api.example'] });
   * ```
   */
  issueServer(options?: ServerCertificateOptions): Promise<IssuedCertificate>;
  /**
   * Issues a client certificate with a new key. An existing pair with the same name is kept, even if it is revoked or
   * expired.
   * @param name - The NAME of `NAME-crt.pem`: letters, digits, `.`, `_` and `-`, at most 64; not `ca`.
   * @param options - The contents; by default the name as commonName, valid for a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_FILE_EXISTS` if only one of the two files exists, or if
   *   they belong to another CA; `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   * @example
   * ```ts
   * const { certFile, keyFile } = await ca.issueClient('client1', { organizationalUnit: 'operators' });
   * ```
   */
  issueClient(name: string, options?: ClientCertificateOptions): Promise<IssuedCertificate>;
  /**
   * Signs a certificate request for a server. With `names: 'taken'`, names that `options` leave out are taken from
   * the request: `commonName`, `organization` and `organizationalUnit` individually, the subjectAltName as a whole.
   * Nothing else in the request is used.
   * @param request - A PKCS#10 request, in PEM or DER.
   * @param options - The contents; by default valid for a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_REQUEST_INVALID` if the signature of the request is
   *   invalid, if its key is not RSA of at least 2048 bits or EC on P-256, P-384 or P-521, or if another certificate
   *   has the name; `ERR_MTLS_PEM_INVALID`
   */
  signServerRequest(
    request: RequestSource,
    options?: Omit<ServerCertificateOptions, 'algorithm'>,
  ): Promise<SignedRequest>;
  /**
   * Signs a certificate request for a client, like {@link DevCa.signServerRequest} for a server.
   * @param name - The NAME of `NAME-crt.pem`, as for {@link DevCa.issueClient}.
   * @param request - A PKCS#10 request, in PEM or DER.
   * @param options - The contents; by default valid for a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, `ERR_MTLS_PEM_INVALID`
   * @example
   * ```ts
   * const bytes = await readFile('client2.csr');
   * const { certFile, leftOut } = await ca.signClientRequest('client2', { bytes, names: 'taken' });
   * ```
   */
  signClientRequest(
    name: string,
    request: RequestSource,
    options?: Omit<ClientCertificateOptions, 'algorithm'>,
  ): Promise<SignedRequest>;
  /**
   * Writes `NAME.p12` for browsers and phones: a certificate with its key, and its CAs (PKCS#12 with AES-256 and
   * HMAC-SHA-256). An existing file is replaced.
   * @param name - The NAME of its `NAME-crt.pem`.
   * @param options - The password and the display name; by default a random password, and the NAME.
   * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` if the certificate or its key is missing;
   *   `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   * @example
   * ```ts
   * const { file, passwordFile } = await ca.writePkcs12('client1');
   * ```
   */
  writePkcs12(name: string, options?: Pkcs12Options): Promise<Pkcs12File>;
  /**
   * Replaces a certificate with a new one with the same subject, subjectAltName and kind, and the same key unless a new
   * one is requested. The replaced files are kept in the folder `old`.
   * @param name - The NAME of its `NAME-crt.pem`.
   * @param options - By default the new certificate is valid for a year and has the same key, and the old one stays
   *   valid.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if there is no such certificate, if it is revoked, or if its kind is
   *   neither clear nor set; `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   * @example
   * ```ts
   * const { previous, notAfter } = await ca.renew('client1', { key: 'new', old: 'revoke' });
   * ```
   */
  renew(name: string, options?: RenewOptions): Promise<RenewedCertificate>;
  /**
   * Creates an intermediate CA in a subfolder that {@link openDevCa} can open, or keeps an existing one. If this CA
   * was opened with a passphrase, that encrypts the new key too.
   * @param name - The name of the subfolder, by which this CA revokes the intermediate CA. It follows the rules for
   *   certificates, and cannot be `old`.
   * @param options - The contents of its certificate.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also if this CA cannot have a CA below it (pathlen 0)
   * @example
   * ```ts
   * import { openDevCa } from 'express-mtls/dev-ca';
   *
   * const { directory, chainFile } = await root.issueIntermediate('staff');
   * const staff = await openDevCa(directory);
   * await staff.issueClient('client1');
   * ```
   */
  issueIntermediate(name: string, options?: IntermediateOptions): Promise<IntermediateCa>;
  /**
   * Revokes a certificate and writes a new CRL with the next number. Revoking it again changes nothing and returns
   * `'already-revoked'`.
   * @param nameOrSerial - The name of its files, its serial number in hexadecimal, or its commonName if that is
   *   unique.
   * @param options - The reason, and the lifetime of the CRL; by default no reason, and 30 days.
   * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` if there is no such certificate, with the existing names
   * @example
   * ```ts
   * const { outcome } = await ca.revoke('client1', { reason: 'keyCompromise' });
   * ```
   */
  revoke(nameOrSerial: string, options?: RevokeOptions): Promise<RevocationOutcome>;
  /**
   * Revokes the certificate in a PEM file outside or inside the folder, like {@link DevCa.revoke}. If the database
   * does not have it, because OpenSSL's `x509 -req` created it, a row is added.
   * @param file - A path. The first certificate in the file is used.
   * @param options - The reason, and the lifetime of the CRL; by default no reason, and 30 days.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if another CA issued it; `ERR_MTLS_PEM_INVALID`
   */
  revokeFile(file: string, options?: RevokeOptions): Promise<RevocationOutcome>;
  /**
   * Writes a new CRL with the same entries and the next number.
   * @param options - The lifetime; by default 30 days.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
   * @example
   * ```ts
   * const { file, nextUpdate } = await ca.writeCrl({ days: 7 });
   * ```
   */
  writeCrl(options?: CrlOptions): Promise<CrlFile>;
  /**
   * When the CRL in the folder becomes stale; `undefined` if it is missing or has no nextUpdate.
   * @throws MtlsError `ERR_MTLS_CRL_INVALID` if the file cannot be parsed as a CRL
   */
  nextUpdate(): Promise<Date | undefined>;
  /**
   * The certificates that the CA has issued, in order of issue.
   * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if the database cannot be parsed
   */
  list(): Promise<DevCertificate[]>;
}

/**
 * Opens the CA in `directory`, or creates one: `ca-crt.pem`, `ca-key.pem`, an empty `ca-crl.pem`, and OpenSSL's
 * `ca-database.txt` and `ca-crlnumber.txt`. Existing files are never overwritten.
 * @param directory - A path. A missing directory is created with mode 0700. If its group or every user can write to
 *   it, a process warning is emitted.
 * @param options - How the CA is created; by default with ECDSA on P-256, valid for ten years.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_CA_FOLDER_INVALID` if the CA is incomplete;
 *   `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 * @example
 * ```ts
 * import { openDevCa } from 'express-mtls/dev-ca';
 *
 * const ca = await openDevCa('certs-dev');
 * const server = await ca.issueServer();
 * const client = await ca.issueClient('client1', { organizationalUnit: 'operators' });
 * await ca.revoke('client1');
 * ```
 */
export async function openDevCa(directory: string, options: DevCaOptions = {}): Promise<DevCa> {
  const fault = await faultOfFolder(directory);
  if (fault !== undefined) process.emitWarning(fault, { type: 'MtlsWarning' });
  return await openFolder(directory, options);
}

/** {@link openDevCa} without the warning about the mode of the folder. */
export async function openFolder(directory: string, options: DevCaOptions): Promise<DevCa> {
  const {
    algorithm = 'ec-p256',
    commonName = 'ca',
    days = 3650,
    passphrase,
    missing = 'make',
    now = Date.now,
  } = options;
  if (passphrase === '') {
    throw new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
      seen: 'passphrase is empty',
      remedy: 'set one, or omit it',
    });
  }
  const open = (): Promise<Authority> =>
    openAuthority(directory, { algorithm, commonName, days, passphrase }, now);
  const openAndRepair = async (): Promise<Authority> => {
    const opened = await open();
    if ((await readIfPresent(opened.files.crl)) === undefined) await writeCrl(opened, {});
    await finishReplacements(opened);
    return opened;
  };
  const isWhole =
    (await lookForAuthority(directory, missing)) === 'whole' && !(await hasInterruptedReplacement(directory));
  const authority = isWhole ? await open() : await withLock(directory, openAndRepair);
  const reading = createTurns();
  const writing = <T>(work: () => Promise<T>): Promise<T> => reading(() => withLock(directory, work));
  return Object.freeze({
    outcome: authority.outcome,
    directory,
    certFile: authority.files.certificate,
    keyFile: authority.files.key,
    crlFile: authority.files.crl,
    issueServer: (server = {}) => writing(() => issueServer(authority, server)),
    issueClient: (name, client = {}) => writing(() => issueClient(authority, name, client)),
    signServerRequest: (request, server = {}) => writing(() => signServerRequest(authority, request, server)),
    signClientRequest: (name, request, client = {}) =>
      writing(() => signClientRequest(authority, name, request, client)),
    writePkcs12: (name, pkcs12 = {}) => writing(() => writePkcs12(authority, name, pkcs12)),
    renew: (name, renewal = {}) => writing(() => renewCertificate(authority, name, renewal)),
    issueIntermediate: (name, intermediate = {}) =>
      writing(() => issueIntermediate(authority, name, intermediate, passphrase)),
    revoke: (nameOrSerial, revocation = {}) =>
      writing(() => revokeCertificate(authority, nameOrSerial, revocation)),
    revokeFile: (file, revocation = {}) => writing(() => revokeFile(authority, file, revocation)),
    writeCrl: (crl = {}) => writing(() => writeCrl(authority, crl)),
    nextUpdate: () => reading(() => readNextUpdate(authority)),
    list: () => reading(() => listCertificates(authority)),
  } satisfies DevCa);
}
