/**
 * Completes the database of a CA created elsewhere with certificates that it lacks, and with the last CRL.
 *
 * @module
 */
import type { Crl } from '../x509/crl.js';
import { DistinguishedName } from '../x509/distinguished-name.js';
import { revocationReasons, walkEntries } from '../x509/crl-entry.js';
import { createRow, normalizeSerial, revokeRow, type DatabaseRow } from './database.js';
import type { ForeignCertificate } from './foreign-material.js';
import { reasonOfOpensslWord } from './reasons.js';

/** The rows, and which of them are new. */
export interface CompletedRows {
  readonly rows: readonly DatabaseRow[];
  /** The serial numbers of certificates that were found but missing from the database. */
  readonly unknown: readonly string[];
  /** The serial numbers that the CRL lists but the database did not show as revoked. */
  readonly revokedByCrl: readonly string[];
}

/**
 * Completes `known`. A certificate on the CRL stays revoked, whatever the database says: it may be an older copy.
 * @param notAfter - The assumed expiry of certificates that only the CRL mentions.
 */
export function completeRows(
  known: readonly DatabaseRow[],
  issued: readonly ForeignCertificate[],
  crl: Crl | undefined,
  notAfter: Date,
): CompletedRows {
  const rows = new Map(known.map((row) => [row.serialNumber, row]));
  const unknown: string[] = [];
  for (const { certificate, content } of issued) {
    const serial = normalizeSerial(certificate.serialNumber);
    if (rows.has(serial)) continue;
    rows.set(serial, createRow(serial, content.notAfter, content.subject));
    unknown.push(serial);
  }
  const revokedByCrl: string[] = [];
  if (crl !== undefined) {
    walkEntries(crl, ({ serialStart, serialEnd, revocationDate, reason }) => {
      const serial = normalizeSerial(crl.raw.toString('hex', serialStart, serialEnd));
      const row = rows.get(serial) ?? createRow(serial, notAfter, unknownName(serial));
      if (row.revokedAt !== undefined) return;
      const word = reasonOfOpensslWord(revocationReasons[reason] ?? '');
      rows.set(
        serial,
        revokeRow(row, new Date(revocationDate * 1000), word === 'unspecified' ? undefined : word),
      );
      revokedByCrl.push(serial);
    });
  }
  return { rows: [...rows.values()], unknown, revokedByCrl };
}

function unknownName(serial: string): DistinguishedName {
  return DistinguishedName.parse(`CN=unknown ${serial.slice(0, 40)}`);
}
