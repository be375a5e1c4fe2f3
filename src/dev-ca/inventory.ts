/**
 * What the CA has issued: the database's rows, joined by serial number with
 * the certificates that lie in the folder.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { isIssuedBy, parseCertificate, type Authority } from './authority.js';
import { normalizeSerial, parseRows, type DatabaseRow, type DevCertificate } from './database.js';
import { commonNameOf } from './subject.js';

/** Every certificate that the CA has issued, in that order. */
export async function listCertificates(authority: Authority): Promise<DevCertificate[]> {
  const [rows, names] = await Promise.all([readRows(authority), namesBySerial(authority)]);
  return rows.map((row) => describeRow(row, names.get(row.serialNumber)));
}

/**
 * Reads the database.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export async function readRows(authority: Authority): Promise<DatabaseRow[]> {
  return parseRows(await readFile(authority.files.database, 'utf8'), authority.files.database);
}

/**
 * The row of one certificate: by the name of its file, else by serial number, else by a commonName that only one has.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where there is none, or more than one
 */
export async function findRow(
  authority: Authority,
  rows: readonly DatabaseRow[],
  nameOrSerial: string,
): Promise<{ row: DatabaseRow; certificate: DevCertificate }> {
  const names = await namesBySerial(authority);
  const serial = normalizeSerial(nameOrSerial.replaceAll(':', ''));
  const searches: ((row: DatabaseRow) => boolean)[] = [
    (row) => names.get(row.serialNumber) === nameOrSerial,
    (row) => row.serialNumber === serial,
    (row) => commonNameOf(row.fields[5]) === nameOrSerial,
  ];
  for (const search of searches) {
    const [row, ...others] = rows.filter(search);
    if (row === undefined) continue;
    if (others.length === 0) return { row, certificate: describeRow(row, names.get(row.serialNumber)) };
    const serials = [row, ...others].map((each) => each.serialNumber).join(', ');
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `${JSON.stringify(nameOrSerial)} is the commonName of several certificates; use one of their serial numbers: ${serials}`,
    );
  }
  const existing = rows.map((row) => names.get(row.serialNumber) ?? row.serialNumber);
  throw new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${JSON.stringify(nameOrSerial)} is no certificate in ${authority.files.database}; it has ` +
      `${existing.length === 0 ? 'none yet' : existing.join(', ')}: use one of these names, or a serial number`,
  );
}

/** What is known of a certificate in the folder. It may be absent from the database, if OpenSSL's `x509 -req` made it. */
export function describeCertificate(
  certificate: X509Certificate,
  name: string,
  rows: readonly DatabaseRow[],
): DevCertificate {
  const serialNumber = normalizeSerial(certificate.serialNumber);
  const row = rows.find((each) => each.serialNumber === serialNumber);
  if (row !== undefined) return describeRow(row, name);
  const notAfter = new Date(certificate.validTo);
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  return { name, commonName, serialNumber, notAfter, revokedAt: undefined, reason: undefined };
}

function describeRow(row: DatabaseRow, name: string | undefined): DevCertificate {
  const { serialNumber, notAfter, revokedAt, reason } = row;
  return { name, commonName: commonNameOf(row.fields[5]), serialNumber, notAfter, revokedAt, reason };
}

async function namesBySerial(authority: Authority): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const file of await readdir(authority.directory)) {
    const name = /^(.+)-crt\.pem$/.exec(file)?.[1];
    if (name === undefined || name === 'ca') continue;
    const certificate = await readCertificate(path.join(authority.directory, file));
    if (certificate !== undefined && isIssuedBy(certificate, authority)) {
      names.set(normalizeSerial(certificate.serialNumber), name);
    }
  }
  return names;
}

/** Another's file that happens to end in `-crt.pem` is none of the CA's business, so it stays out of the list. */
async function readCertificate(file: string): Promise<X509Certificate | undefined> {
  try {
    return parseCertificate(await readFile(file, 'utf8'), file);
  } catch {
    return undefined;
  }
}
