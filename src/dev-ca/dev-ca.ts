/**
 * The development CA: the functions around it, bound to one folder and taking
 * turns, so that calls made at once do not lose each other's rows.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { openAuthority } from './authority.js';
import type { DevCertificate } from './database.js';
import { readIfPresent } from './files.js';
import { listCertificates } from './inventory.js';
import { issueClient, issueServer } from './issuance.js';
import type { ClientCertificateOptions, IssuedCertificate, ServerCertificateOptions } from './issuance.js';
import type { KeyAlgorithm } from './keys.js';
import { readNextUpdate, revokeCertificate, writeCrl } from './revocation-list.js';
import type { CrlFile, CrlOptions, RevocationOutcome, RevokeOptions } from './revocation-list.js';

/** How {@link openDevCa} makes a CA. Without effect on one that is there, `passphrase` and `now` aside. */
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
   * The clock, in milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: () => number;
}

/** A development CA in a folder. Two processes must not write to one folder at the same time. */
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
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also where only one of the two files is there, or they are another CA's;
   * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   */
  issueServer(options?: ServerCertificateOptions): Promise<IssuedCertificate>;
  /**
   * Makes a client certificate and its key, or keeps the pair that is there under `name`, revoked or expired though it be.
   * @param name - The NAME of `NAME-crt.pem`: letters, digits, `.`, `_` and `-`, at most 64; not `ca`.
   * @param options - What it says; by default the name as its commonName, a year.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also where only one of the two files is there, or they are another CA's;
   * `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
   */
  issueClient(name: string, options?: ClientCertificateOptions): Promise<IssuedCertificate>;
  /**
   * Revokes a certificate and writes a new CRL, its number one up. Revoking again changes nothing and answers `'already-revoked'`.
   * @param nameOrSerial - The name it was issued under, its serial number in hexadecimal, or a commonName that it alone has.
   * @param options - The reason, and how long the CRL holds; by default no reason, 30 days.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where there is no such certificate, listing those that exist
   */
  revoke(nameOrSerial: string, options?: RevokeOptions): Promise<RevocationOutcome>;
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
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where the database does not read
   */
  list(): Promise<DevCertificate[]>;
}

/**
 * Opens the CA in `directory`, or makes one where there is none: `ca-crt.pem`, `ca-key.pem`, an empty `ca-crl.pem`,
 * and OpenSSL's `ca-database.txt` and `ca-crlnumber.txt`. Nothing that is there is overwritten.
 * @param directory - A path; the folder is made where it is missing.
 * @param options - How the CA is made, where it is; by default ECDSA on P-256, ten years.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also where only a part of a CA is there; `ERR_MTLS_PEM_INVALID`,
 * `ERR_MTLS_KEY_MISMATCH`
 */
export async function openDevCa(directory: string, options: DevCaOptions = {}): Promise<DevCa> {
  const { algorithm = 'ec-p256', commonName = 'ca', days = 3650, passphrase, now = Date.now } = options;
  if (passphrase === '') {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', 'passphrase is empty; give one, or leave it out');
  }
  const authority = await openAuthority(directory, { algorithm, commonName, days, passphrase }, now);
  if ((await readIfPresent(authority.files.crl)) === undefined) await writeCrl(authority, {});
  const inTurn = createTurns();
  return Object.freeze({
    outcome: authority.outcome,
    directory,
    certFile: authority.files.certificate,
    keyFile: authority.files.key,
    crlFile: authority.files.crl,
    issueServer: (server = {}) => inTurn(() => issueServer(authority, server)),
    issueClient: (name, client = {}) => inTurn(() => issueClient(authority, name, client)),
    revoke: (nameOrSerial, revocation = {}) =>
      inTurn(() => revokeCertificate(authority, nameOrSerial, revocation)),
    writeCrl: (crl = {}) => inTurn(() => writeCrl(authority, crl)),
    nextUpdate: () => inTurn(() => readNextUpdate(authority)),
    list: () => inTurn(() => listCertificates(authority)),
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
