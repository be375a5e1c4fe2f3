/**
 * Revocations and the CRL that tells of them. Each CRL is built from the
 * database alone, never from the CRL before it.
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

/** How long a new CRL holds. */
export interface CrlOptions {
  /**
   * Days until the nextUpdate of the CRL.
   * @defaultValue `30`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
}

/** Why a certificate is revoked, and how long the new CRL holds. */
export interface RevokeOptions extends CrlOptions {
  /**
   * The reason, by the name of RFC 5280 section 5.3.1.
   * @defaultValue `'unspecified'`, which is not written into the CRL
   */
  readonly reason?: RevocationReason;
}

/** A CRL that was just written. */
export interface CrlFile {
  /** `ca-crl.pem` in the folder. */
  readonly file: string;
  /** Its cRLNumber. */
  readonly number: bigint;
  /** When a server will take it for stale. */
  readonly nextUpdate: Date;
  /** How many certificates it revokes. */
  readonly entries: number;
}

/** What a revocation did. */
export type RevocationOutcome =
  | {
      /** It was revoked now. */
      readonly outcome: 'revoked';
      /** What was revoked. */
      readonly certificate: DevCertificate;
      /** The CRL that says so. */
      readonly crl: CrlFile;
    }
  | {
      /** It was revoked before; nothing was written. */
      readonly outcome: 'already-revoked';
      /** What is revoked, since when and why. */
      readonly certificate: DevCertificate;
    };

/**
 * Revokes a certificate and writes the CRL that says so; nothing happens where it was revoked before.
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
 * Revokes the certificate in a file, wherever that lies; one that is not in the database gets its row there.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where another CA issued it, or it is the CA's own; `ERR_MTLS_PEM_INVALID`
 */
export async function revokeFile(
  authority: Authority,
  file: string,
  options: RevokeOptions,
): Promise<RevocationOutcome> {
  const certificate = parseCertificate(
    await readText(file),
    file,
    'give the certificate itself, such as NAME-crt.pem, or its name',
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
  // The CRL first: if this stops halfway, a second try does it all again instead of
  // answering "already revoked" beside a CRL that does not say so.
  const crl = await publishCrl(authority, newRows, options);
  await replaceFile(authority.files.database, formatRows(newRows));
  const { revokedAt, reason: reasonKept } = revoked;
  return { outcome: 'revoked', certificate: { ...certificate, revokedAt, reason: reasonKept }, crl };
}

/**
 * Writes a new CRL with what the database says, its number one up.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export async function writeCrl(authority: Authority, options: CrlOptions): Promise<CrlFile> {
  return publishCrl(authority, await readRows(authority), options);
}

/**
 * When the CRL in the folder is stale; `undefined` where there is none.
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
  // The number before the CRL: a number may be skipped, never used twice (RFC 5280 section 5.2.3).
  await replaceFile(numberFile, formatCrlNumber(number + 1n));
  await replaceFile(file, pem);
  return { file, number, nextUpdate, entries: entries.length };
}

/** A server refuses a CRL whose number has gone back, as after an old backup of its file, and would not hear of the revocation. */
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
    // What does not read is written anew.
    if (error instanceof MtlsError) return undefined;
    throw error;
  }
}
