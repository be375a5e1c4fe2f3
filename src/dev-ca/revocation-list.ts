/**
 * Revocations and the CRL that publishes them. Each CRL is built only from the database, not from the previous CRL.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { parseCertificate as readCertificate } from '../x509/certificate.js';
import { parseCrl } from '../x509/crl.js';
import { parsePem } from '../x509/pem.js';
import { isIssuedBy, parseCertificate, type Authority } from './authority.js';
import {
  createRow,
  formatCrlNumber,
  formatRows,
  normalizeSerial,
  parseCrlNumber,
  revokeRow,
} from './database.js';
import type { DatabaseRow, DevCertificate } from './database.js';
import { readIfPresent, readText, replaceFile } from './files.js';
import { describeCertificate, findRow, readRows, type FoundRow } from './inventory.js';
import { checkReason, type RevocationReason } from './reasons.js';
import { nextUpdateOf, signCrl } from './signing.js';
import { daysAfter, wholeSeconds } from './validity.js';

/** The lifetime of a new CRL. */
export interface CrlOptions {
  /**
   * The days until the nextUpdate of the CRL.
   * @defaultValue `30`; above 0, at most 36_500, fractions allowed
   */
  readonly days?: number;
}

/**
 * The reason of a revocation, and the lifetime of the new CRL.
 * @example
 * ```ts
 * await ca.revoke('client1', { reason: 'keyCompromise', days: 7 });
 * ```
 */
export interface RevokeOptions extends CrlOptions {
  /**
   * The reason, by its name in RFC 5280 section 5.3.1.
   * @defaultValue `'unspecified'`, which is not written into the CRL
   */
  readonly reason?: RevocationReason;
}

/** A CRL that was written. */
export interface CrlFile {
  /** `ca-crl.pem` in the folder. */
  readonly file: string;
  /** Its cRLNumber. */
  readonly number: bigint;
  /** When a server will treat it as stale. */
  readonly nextUpdate: Date;
  /** The number of revoked certificates in it. */
  readonly entries: number;
}

/** The result of a revocation. */
export type RevocationOutcome =
  | {
      /** It was revoked by this call. */
      readonly outcome: 'revoked';
      /** The revoked certificate. */
      readonly certificate: DevCertificate;
      /** The new CRL. */
      readonly crl: CrlFile;
    }
  | {
      /** It was already revoked; nothing was written. */
      readonly outcome: 'already-revoked';
      /** The revoked certificate, with date and reason. */
      readonly certificate: DevCertificate;
    };

/**
 * Revokes a certificate and writes the CRL. Does nothing if it is already revoked.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export async function revokeCertificate(
  authority: Authority,
  nameOrSerial: string,
  options: RevokeOptions,
): Promise<RevocationOutcome> {
  const rows = await readRows(authority);
  const found = await findRow(authority, rows, nameOrSerial);
  return revoke(authority, rows, found, options);
}

/**
 * Revokes the certificate in a file anywhere. A certificate that is not in the database is added.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if another CA issued it, or if it is the CA's own;
 *   `ERR_MTLS_PEM_INVALID`
 */
export async function revokeFile(
  authority: Authority,
  file: string,
  options: RevokeOptions,
): Promise<RevocationOutcome> {
  const certificate = parseCertificate(
    await readText(file),
    file,
    'use the certificate itself, such as NAME-crt.pem, or its name',
  );
  const isItself = certificate.raw.equals(authority.certificate.raw);
  if (isItself || !isIssuedBy(certificate, authority)) {
    const fault = isItself ? 'is the certificate of the CA itself' : 'was not issued by this CA';
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${file} ${fault}, ${authority.files.certificate}`,
      remedy: 'only the issuer of a certificate can revoke it: use the CA that issued it',
    });
  }
  const rows = await readRows(authority);
  const serialNumber = normalizeSerial(certificate.serialNumber);
  if (rows.some((row) => row.serialNumber === serialNumber)) {
    return revoke(authority, rows, await findRow(authority, rows, serialNumber), options);
  }
  const { subject, notAfter } = readCertificate(certificate.raw);
  const row = createRow(serialNumber, notAfter, subject);
  const described = describeCertificate(certificate, undefined, rows);
  return revoke(authority, [...rows, row], { row, certificate: described }, options);
}

async function revoke(
  authority: Authority,
  rows: readonly DatabaseRow[],
  { row, certificate }: FoundRow,
  options: RevokeOptions,
): Promise<RevocationOutcome> {
  const reason = checkReason(options.reason ?? 'unspecified');
  if (row.revokedAt !== undefined) return { outcome: 'already-revoked', certificate };
  const revoked = revokeRow(
    row,
    wholeSeconds(authority.now()),
    reason === 'unspecified' ? undefined : reason,
  );
  const newRows = rows.map((each) => (each === row ? revoked : each));
  // The CRL first: if this is interrupted, a second try repeats everything instead of returning
  // "already revoked" without a CRL that lists the certificate.
  const crl = await publishCrl(authority, newRows, options);
  await replaceFile(authority.files.database, formatRows(newRows));
  const { revokedAt, reason: reasonKept } = revoked;
  return { outcome: 'revoked', certificate: { ...certificate, revokedAt, reason: reasonKept }, crl };
}

/**
 * Writes a new CRL from the database, with the next number.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export async function writeCrl(authority: Authority, options: CrlOptions): Promise<CrlFile> {
  return publishCrl(authority, await readRows(authority), options);
}

/**
 * When the CRL in the folder becomes stale; `undefined` if there is none.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID`
 */
export async function readNextUpdate(authority: Authority): Promise<Date | undefined> {
  const pem = await readIfPresent(authority.files.crl);
  return pem === undefined ? undefined : await nextUpdateOf(pem, authority.files.crl);
}

async function publishCrl(
  authority: Authority,
  rows: readonly DatabaseRow[],
  options: CrlOptions,
): Promise<CrlFile> {
  const { crl: file, crlNumber: numberFile } = authority.files;
  const nowMs = authority.now();
  const nextUpdate = daysAfter(nowMs, options.days ?? 30);
  const number = await nextNumber(authority);
  const entries = rows.flatMap(({ serialNumber, revokedAt, reason }) =>
    revokedAt === undefined ? [] : [{ serialNumber, revokedAt, reason }],
  );
  const pem = await signCrl({ number, thisUpdate: wholeSeconds(nowMs), nextUpdate, entries }, authority);
  // The number file first: a number may be skipped, but never used twice (RFC 5280 section 5.2.3).
  await replaceFile(numberFile, formatCrlNumber(number + 1n));
  await replaceFile(file, pem);
  return { file, number, nextUpdate, entries: entries.length };
}

/** A server rejects a CRL with a lower number, as after restoring an old number file, and would miss the revocation. */
async function nextNumber({ files }: Authority): Promise<bigint> {
  const noted = parseCrlNumber(await readText(files.crlNumber), files.crlNumber);
  const pem = await readIfPresent(files.crl);
  const published = pem === undefined ? undefined : numberIn(pem, files.crl);
  return published === undefined || published < noted ? noted : published + 1n;
}

function numberIn(pem: string, file: string): bigint | undefined {
  try {
    const [block] = parsePem(Buffer.from(pem), file);
    return block === undefined ? undefined : parseCrl(block.der).number;
  } catch (error) {
    // An unreadable CRL is replaced.
    if (error instanceof MtlsError) return undefined;
    throw error;
  }
}
