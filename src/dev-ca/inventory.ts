/**
 * The certificates that a CA has issued: the rows of its database joined with the certificates in its folder.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { isIssuedBy, parseCertificate, type Authority } from './authority.js';
import { normalizeSerial, parseRows, type DatabaseRow, type DevCertificate } from './database.js';
import { hasCode, readText } from './files.js';
import { commonNameOf } from './oneline.js';
import { kindOf } from './pair.js';

/** Every certificate that the CA has issued, in order of issue. */
export async function listCertificates(authority: Authority): Promise<DevCertificate[]> {
  const [rows, files] = await Promise.all([readRows(authority), filesBySerial(authority)]);
  return rows.map((row) => describeRow(row, files.get(row.serialNumber)));
}

/**
 * Reads the database.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND`
 */
export async function readRows(authority: Authority): Promise<DatabaseRow[]> {
  return parseRows(await readText(authority.files.database), authority.files.database);
}

/** A row, and what is known about its certificate. */
export interface FoundRow {
  readonly row: DatabaseRow;
  readonly certificate: DevCertificate;
}

/**
 * The row of a certificate, by the name of its file, its serial number, or its commonName if that is unique.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_NOT_FOUND` if there is none or more than one
 */
export async function findRow(
  authority: Authority,
  rows: readonly DatabaseRow[],
  nameOrSerial: string,
): Promise<FoundRow> {
  const files = await filesBySerial(authority);
  const serial = normalizeSerial(nameOrSerial.replaceAll(':', ''));
  const searches: ((row: DatabaseRow) => boolean)[] = [
    (row) => files.get(row.serialNumber)?.name === nameOrSerial,
    (row) => row.serialNumber === serial,
    (row) => commonNameOf(row.fields[5]) === nameOrSerial,
  ];
  for (const search of searches) {
    const [row, ...others] = rows.filter(search);
    if (row === undefined) continue;
    if (others.length === 0) return { row, certificate: describeRow(row, files.get(row.serialNumber)) };
    const serials = [row, ...others].map((each) => each.serialNumber).join(', ');
    throw new MtlsError('ERR_MTLS_CERTIFICATE_NOT_FOUND', {
      seen: `${JSON.stringify(nameOrSerial)} is the commonName of several certificates`,
      remedy: `use one of their serial numbers: ${serials}`,
    });
  }
  const existing = rows.map((row) => files.get(row.serialNumber)?.name ?? row.serialNumber);
  throw new MtlsError('ERR_MTLS_CERTIFICATE_NOT_FOUND', {
    seen: `${JSON.stringify(nameOrSerial)} is not a certificate in ${authority.files.database}`,
    remedy: `it has ${existing.length === 0 ? 'none yet' : existing.join(', ')}: use one of these names, or a serial number`,
  });
}

/** What is known about a certificate in the folder. The database lacks it if OpenSSL's `x509 -req` created it. */
export function describeCertificate(
  certificate: X509Certificate,
  name: string | undefined,
  rows: readonly DatabaseRow[],
): DevCertificate {
  const serialNumber = normalizeSerial(certificate.serialNumber);
  const kind = kindOf(certificate);
  const row = rows.find((each) => each.serialNumber === serialNumber);
  if (row !== undefined) return describeRow(row, { name, formerName: undefined, kind });
  const notAfter = new Date(certificate.validTo);
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  return {
    name,
    formerName: undefined,
    kind,
    commonName,
    serialNumber,
    notAfter,
    revokedAt: undefined,
    reason: undefined,
  };
}

/** The subfolder for replaced certificates. */
export function oldDirectory(authority: Authority): string {
  return path.join(authority.directory, 'old');
}

type InFile = Pick<DevCertificate, 'name' | 'formerName' | 'kind'>;

const inNoFile: InFile = { name: undefined, formerName: undefined, kind: undefined };

function describeRow(row: DatabaseRow, file: InFile = inNoFile): DevCertificate {
  const { serialNumber, notAfter, revokedAt, reason } = row;
  return { ...file, commonName: commonNameOf(row.fields[5]), serialNumber, notAfter, revokedAt, reason };
}

async function filesBySerial(authority: Authority): Promise<Map<string, InFile>> {
  const files = new Map<string, InFile>();
  const former = /^(.+)-[0-9a-f]+-crt\.pem$/;
  for (const [name, certificate] of await readFolder(authority, oldDirectory(authority), former)) {
    files.set(normalizeSerial(certificate.serialNumber), {
      name: undefined,
      formerName: name,
      kind: kindOf(certificate),
    });
  }
  // Last, because a renewal interrupted before the replacement leaves a certificate in both folders.
  for (const [name, certificate] of await readFolder(authority, authority.directory, /^(.+)-crt\.pem$/)) {
    if (name === 'ca') continue;
    files.set(normalizeSerial(certificate.serialNumber), {
      name,
      formerName: undefined,
      kind: kindOf(certificate),
    });
  }
  return files;
}

/** The certificates of this CA in a folder, by what `pattern` captures from their file names. */
async function readFolder(
  authority: Authority,
  directory: string,
  pattern: RegExp,
): Promise<[name: string, certificate: X509Certificate][]> {
  const found: [string, X509Certificate][] = [];
  for (const file of await listIfPresent(directory)) {
    const name = pattern.exec(file)?.[1];
    if (name === undefined) continue;
    const certificate = await readCertificate(path.join(directory, file));
    if (certificate !== undefined && isIssuedBy(certificate, authority)) found.push([name, certificate]);
  }
  return found;
}

async function listIfPresent(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A file that ends in `-crt.pem` but does not belong to the CA is not listed. */
async function readCertificate(file: string): Promise<X509Certificate | undefined> {
  try {
    return parseCertificate(await readText(file), file);
  } catch {
    return undefined;
  }
}
