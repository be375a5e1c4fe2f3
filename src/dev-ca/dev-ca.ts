/**
 * The development CA: the functions around it, bound to one folder and taking
 * turns, so that calls made at once do not lose each other's rows.
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
import type { CrlFile, CrlOptions, RevocationOutcome, RevokeOptions } from './revocation-list.js';

/** How {@link openDevCa} opens or makes a CA. Only `passphrase` and `now` have an effect on one that is there. */
export interface DevCaOptions {
  /**
   * What kind of key to make.
   * @defaultValue `'ec-p256'`
   */
  readonly algorithm?: KeyAlgorithm;
  /**
   * Its commonName, of 1 to 64 characters.
   * @defaultValue `'ca'`
   */
  readonly commonName?: string;
  /**
   * Days until it expires.
   * @defaultValue `3650`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
  /**
   * The passphrase of its key: it opens that of a CA that is there, where it is encrypted, and encrypts that of one
   * that is made, with AES-256. Not empty; none by default.
   */
  readonly passphrase?: string;
  /**
   * What happens where there is no CA: one is made, or the opening fails.
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
 * A development CA in a folder. Processes that write to one folder take turns: each waits up to 15 seconds for the
 * one before it, then throws `ERR_MTLS_CA_LOCKED`. `openssl ca` takes no part in that.
 */
export interface DevCa {
  /** Whether {@link openDevCa} made it, or found it there. */
  readonly outcome: 'made' | 'kept';
  /** The folder, as it was given. */
  readonly directory: string;
  /** `ca-crt.pem` in the folder. */
  readonly certFile: string;
  /** `ca-key.pem` in the folder, with mode 0600. */
  readonly keyFile: string;
  /** `ca-crl.pem` in the folder. */
  readonly crlFile: string;
  /**
   * Makes a server certificate and its key, or keeps the pair that is there under its name, revoked or expired though it be.
   * @param options - What it says; by default for localhost, a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_FILE_EXISTS` where only one of the two files is there, or they are another CA's;
   * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   */
  issueServer(options?: ServerCertificateOptions): Promise<IssuedCertificate>;
  /**
   * Makes a client certificate and its key, or keeps the pair that is there under `name`, revoked or expired though it be.
   * @param name - The NAME of `NAME-crt.pem`: letters, digits, `.`, `_` and `-`, at most 64; not `ca`.
   * @param options - What it says; by default the name as its commonName, a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_FILE_EXISTS` where only one of the two files is there, or they are another CA's;
   * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   */
  issueClient(name: string, options?: ClientCertificateOptions): Promise<IssuedCertificate>;
  /**
   * Signs a request for a server certificate. `commonName`, `organization` and `organizationalUnit` are taken from it
   * where `options` do not say them, and the subjectAltName where they say no part of that. Nothing else is taken.
   * @param request - A PKCS#10 request, in PEM or DER.
   * @param options - What it says in place of the request; by default nothing, a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_REQUEST_INVALID` where the request's signature does not hold, its key is not RSA of 2048
   * bits or more or EC on P-256, P-384 or P-521, or another certificate has the name; `ERR_MTLS_PEM_INVALID`
   */
  signServerRequest(
    request: RequestSource,
    options?: Omit<ServerCertificateOptions, 'algorithm'>,
  ): Promise<SignedRequest>;
  /**
   * Signs a request for a client certificate, as {@link DevCa.signServerRequest} does for a server.
   * @param name - The NAME of `NAME-crt.pem`, as for {@link DevCa.issueClient}.
   * @param request - A PKCS#10 request, in PEM or DER.
   * @param options - What it says in place of the request; by default nothing, a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, `ERR_MTLS_PEM_INVALID`
   */
  signClientRequest(
    name: string,
    request: RequestSource,
    options?: Omit<ClientCertificateOptions, 'algorithm'>,
  ): Promise<SignedRequest>;
  /**
   * Writes `NAME.p12`: a certificate with its key, the CA's certificate and those above it, for browsers and phones (PKCS#12 with
   * AES-256 and HMAC-SHA-256). One that is there is replaced.
   * @param name - The NAME of its `NAME-crt.pem`.
   * @param options - The password, and what a device shows; by default a random one, and the name.
   * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` where there is no such certificate, or no key beside it;
   * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   */
  writePkcs12(name: string, options?: Pkcs12Options): Promise<Pkcs12File>;
  /**
   * Puts a new certificate in place of the one of this name: the same subject, subjectAltName and kind, and the same key
   * unless a new one is asked for. What is replaced is kept in the folder `old`.
   * @param name - The NAME of its `NAME-crt.pem`.
   * @param options - By default a year with the same key, and the old one stays good.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where there is none, it is revoked, or its kind is neither clear nor said;
   * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   */
  renew(name: string, options?: RenewOptions): Promise<RenewedCertificate>;
  /**
   * Makes a CA below this one, in a folder of its own inside that {@link openDevCa} opens, or keeps the one that is there.
   * A passphrase that this CA was opened with encrypts its key too.
   * @param name - The name of the folder, as of a certificate, but not `old`; this CA revokes it by that name.
   * @param options - What its certificate says.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also where this CA may have none below it (pathlen 0)
   */
  issueIntermediate(name: string, options?: IntermediateOptions): Promise<IntermediateCa>;
  /**
   * Revokes a certificate and writes a new CRL, its number one up. Revoking again changes nothing and answers `'already-revoked'`.
   * @param nameOrSerial - The name it was issued under, its serial number in hexadecimal, or a commonName that it alone has.
   * @param options - The reason, and how long the CRL holds; by default no reason, 30 days.
   * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` where there is no such certificate, listing those that exist
   */
  revoke(nameOrSerial: string, options?: RevokeOptions): Promise<RevocationOutcome>;
  /**
   * Revokes the certificate in a PEM file, wherever that lies, as {@link DevCa.revoke} does. One that is not in the
   * database, since OpenSSL's `x509 -req` made it, gets a row there.
   * @param file - A path; of several certificates in the file, the first counts.
   * @param options - The reason, and how long the CRL holds; by default no reason, 30 days.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where another CA issued it; `ERR_MTLS_PEM_INVALID`
   */
  revokeFile(file: string, options?: RevokeOptions): Promise<RevocationOutcome>;
  /**
   * Writes a new CRL with the same entries, its number one up.
   * @param options - How long it holds; by default 30 days.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
   */
  writeCrl(options?: CrlOptions): Promise<CrlFile>;
  /**
   * When the CRL in the folder goes stale; `undefined` where it does not say, or is gone.
   * @throws MtlsError `ERR_MTLS_CRL_INVALID` where the file does not read as a CRL
   */
  nextUpdate(): Promise<Date | undefined>;
  /**
   * What the CA has issued, in that order.
   * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` where the database does not read
   */
  list(): Promise<DevCertificate[]>;
}

/**
 * Opens the CA in `directory`, or makes one where there is none: `ca-crt.pem`, `ca-key.pem`, an empty `ca-crl.pem`,
 * and OpenSSL's `ca-database.txt` and `ca-crlnumber.txt`. Nothing that is there is overwritten.
 * @param directory - A path; the folder is made where it is missing, with mode 0700. One to which its group or every
 * user can write is reported as a warning of the process.
 * @param options - How the CA is made, where it is; by default ECDSA on P-256, ten years.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`; `ERR_MTLS_CA_FOLDER_INVALID` where only a part of a CA is there; `ERR_MTLS_PEM_INVALID`,
 * `ERR_MTLS_KEY_MISMATCH`
 */
export async function openDevCa(directory: string, options: DevCaOptions = {}): Promise<DevCa> {
  const fault = await faultOfFolder(directory);
  if (fault !== undefined) process.emitWarning(fault, { type: 'MtlsWarning' });
  return await openFolder(directory, options);
}

/** As {@link openDevCa}, for a caller that reports the mode of the folder itself. */
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
      remedy: 'give one, or leave it out',
    });
  }
  const open = (): Promise<Authority> =>
    openAuthority(directory, { algorithm, commonName, days, passphrase }, now);
  const openAndMend = async (): Promise<Authority> => {
    const opened = await open();
    if ((await readIfPresent(opened.files.crl)) === undefined) await writeCrl(opened, {});
    await finishReplacements(opened);
    return opened;
  };
  const isWhole =
    (await lookForAuthority(directory, missing)) === 'whole' && !(await hasInterruptedReplacement(directory));
  const authority = isWhole ? await open() : await withLock(directory, openAndMend);
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

/** Runs what it is given one at a time, in the order of the calls; a failure does not hold up the next. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
