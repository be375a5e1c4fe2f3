/**
 * The two text files with the state of OpenSSL's `ca` command, so that it and this CA can be used on the same folder.
 * Pure functions from text to text.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import type { DistinguishedName } from '../x509/distinguished-name.js';
import { formatOneline } from './oneline.js';
import { opensslWordOf, reasonOfOpensslWord, type RevocationReason } from './reasons.js';
import { formatTime, parseTime } from './validity.js';

/** What a certificate is for, by its extended key usage. */
export type CertificateKind = 'client' | 'server';

/**
 * A certificate that the CA has issued, and its status.
 * @example
 * ```ts
 * const valid = (await ca.list()).filter(({ revokedAt, notAfter }) => revokedAt === undefined && notAfter > new Date());
 * ```
 */
export interface DevCertificate {
  /** The NAME of its `NAME-crt.pem`; `undefined` if that file is missing or holds a newer certificate. */
  readonly name: string | undefined;
  /** The NAME that it had before a renewal moved it to the folder `old`. */
  readonly formerName: string | undefined;
  /** What it is for; `undefined` if its file is missing, or states neither purpose or both. */
  readonly kind: CertificateKind | undefined;
  /** The commonName of its subject. */
  readonly commonName: string | undefined;
  /** Lower-case hexadecimal without leading zeros. */
  readonly serialNumber: string;
  /** When it expires. */
  readonly notAfter: Date;
  /** When it was revoked; `undefined` if it is not revoked. */
  readonly revokedAt: Date | undefined;
  /** Why it was revoked; `undefined` if it is not revoked or no reason was given. */
  readonly reason: RevocationReason | undefined;
}

/** A line of the database. Its fields are kept as they were read, so that a rewrite changes only what it intends to. */
export interface DatabaseRow {
  /** Status, expiry, revocation, serial number, file, subject. */
  readonly fields: readonly [string, string, string, string, string, string];
  readonly serialNumber: string;
  readonly notAfter: Date;
  readonly revokedAt: Date | undefined;
  readonly reason: RevocationReason | undefined;
}

/** A row for a valid certificate. */
export function createRow(serialNumber: string, notAfter: Date, subject: DistinguishedName): DatabaseRow {
  const serial = normalizeSerial(serialNumber).toUpperCase();
  const evenSerial = serial.length % 2 === 0 ? serial : `0${serial}`;
  return {
    fields: ['V', formatTime(notAfter), '', evenSerial, 'unknown', formatOneline(subject)],
    serialNumber: serial.toLowerCase(),
    notAfter,
    revokedAt: undefined,
    reason: undefined,
  };
}

/** The row as revoked at `revokedAt`. */
export function revokeRow(
  row: DatabaseRow,
  revokedAt: Date,
  reason: RevocationReason | undefined,
): DatabaseRow {
  const [, expiry, , serial, file, subject] = row.fields;
  const revocation = formatTime(revokedAt) + (reason === undefined ? '' : `,${opensslWordOf(reason)}`);
  return { ...row, fields: ['R', expiry, revocation, serial, file, subject], revokedAt, reason };
}

/** Formats rows like OpenSSL: one line each, with tabs between the fields. */
export function formatRows(rows: readonly DatabaseRow[]): string {
  return rows.map((row) => `${row.fields.join('\t')}\n`).join('');
}

/**
 * Parses the database.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` with the line that OpenSSL would not have written
 */
export function parseRows(text: string, file: string): DatabaseRow[] {
  const rows: DatabaseRow[] = [];
  const serials = new Set<string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const row = parseRow(line);
    if (row === undefined || serials.has(row.serialNumber)) {
      throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
        seen: `${file} line ${String(index + 1)} is ${row === undefined ? 'not a row' : 'a second row for the same serial number'} of OpenSSL's ca database`,
        remedy: 'restore the file, or create a new CA in another folder',
      });
    }
    serials.add(row.serialNumber);
    rows.push(row);
  }
  return rows;
}

/**
 * Parses the number of the next CRL, in hexadecimal.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID`
 */
export function parseCrlNumber(text: string, file: string): bigint {
  const digits = text.trim();
  // RFC 5280 section 5.2.3: at most 20 octets.
  if (/^[0-9A-Fa-f]{1,39}$/.test(digits)) return BigInt(`0x${digits}`);
  throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${file} holds ${JSON.stringify(digits.slice(0, 60))}`,
    expected: 'the number of the next CRL in hexadecimal, such as 01',
  });
}

/** Formats the number of the next CRL like OpenSSL: with an even number of digits. */
export function formatCrlNumber(number: bigint): string {
  const digits = number.toString(16).toUpperCase();
  return `${digits.length % 2 === 0 ? digits : `0${digits}`}\n`;
}

/** A serial number in the format of this package: lower case, no leading zeros. */
export function normalizeSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, '');
}

function parseRow(line: string): DatabaseRow | undefined {
  const fields = line.split(/(?<!\\)\t/);
  const [status, expiry, revocation, serial, file, subject] = fields;
  if (fields.length !== 6 || file === undefined || subject === undefined) return undefined;
  if (status === undefined || expiry === undefined || revocation === undefined || serial === undefined)
    return undefined;
  const notAfter = parseTime(expiry);
  const [revocationTime = '', reasonWord] = revocation.split(',');
  const revokedAt = parseTime(revocationTime);
  const reason = reasonWord === undefined ? undefined : reasonOfOpensslWord(reasonWord);
  if (notAfter === undefined || !/^[0-9A-F]+$/i.test(serial) || !/^[VRE]$/.test(status)) return undefined;
  if ((status === 'R') !== (revokedAt !== undefined)) return undefined;
  if (reasonWord !== undefined && reason === undefined) return undefined;
  return {
    fields: [status, expiry, revocation, serial, file, subject],
    serialNumber: normalizeSerial(serial),
    notAfter,
    revokedAt,
    reason,
  };
}
