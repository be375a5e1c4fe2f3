/**
 * Imports a CA created with openssl: copies it into a folder of this package, completes its database and writes a
 * usable CRL.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import type { Certificate } from '../x509/certificate.js';
import { authorityFiles, openAuthority } from './authority.js';
import { formatSent } from './chain.js';
import { formatCrlNumber, formatRows } from './database.js';
import { createFile } from './files.js';
import { makeFolder } from './folder.js';
import {
  hasEncryptedKey,
  readForeignAuthority,
  type ForeignAuthority,
  type ForeignAuthorityOptions,
} from './foreign-authority.js';
import type { ForeignCa } from './foreign-folder.js';
import { readForeignMaterial } from './foreign-material.js';
import { nameCertificates, type NamedCertificate } from './foreign-names.js';
import { readForeignState, type ForeignState } from './foreign-state.js';
import {
  warnOfCa,
  warnOfCertificates,
  warnOfCrl,
  warnOfRows,
  warnOfSharedSerials,
  warnOfUnreadable,
  type ImportWarning,
} from './import-warnings.js';
import { withLock } from './lock.js';
import { writeCrl, type CrlFile } from './revocation-list.js';
import { moveAway } from './shell.js';

/** An imported certificate. */
export interface ImportedCertificate {
  readonly name: string;
  /** Lower-case hexadecimal without leading zeros. */
  readonly serialNumber: string;
  /** The commonName, or the whole subject if there is none. */
  readonly commonName: string;
  /** The file that it was found in. */
  readonly file: string;
  readonly key: 'copied' | 'copied-encrypted' | 'absent';
  readonly revokedAt: Date | undefined;
}

/** The result of an import. */
export interface ImportReport {
  /** The files that it was imported from. */
  readonly source: ForeignCa;
  readonly directory: string;
  /** The commonName, or the whole subject if there is none. */
  readonly caName: string;
  readonly caCertificate: 'kept' | 'remade';
  readonly caKey: 'copied' | 'copied-encrypted';
  readonly certificates: readonly ImportedCertificate[];
  readonly crl: CrlFile;
  readonly warnings: readonly ImportWarning[];
}

/**
 * Imports a CA into `directory`. If that already has one of the files to write, or if anything fails, it is left
 * unchanged.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if the CA certificate cannot be used unchanged, the database cannot
 *   be parsed, or a file is in the way; `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function importCa(
  foreign: ForeignCa,
  directory: string,
  options: ForeignAuthorityOptions,
): Promise<ImportReport> {
  const material = await readForeignMaterial(foreign.material);
  const authority = await readForeignAuthority(foreign, material, options);
  const state = await readForeignState(foreign, authority, material);
  const revokedAt = new Map(state.rows.map((row) => [row.serialNumber, row.revokedAt]));
  const certificates = nameCertificates(
    state.issued,
    material.keys,
    (serial) => revokedAt.get(serial) !== undefined,
  );
  const files = [
    ...stateFiles(directory, authority, state),
    ...certificates.flatMap((each) => certificateFiles(directory, each, authority)),
  ];
  const crl = await createAll(directory, files, async () => {
    const { passphrase, now } = options;
    const unused = { algorithm: 'ec-p256', commonName: 'ca', days: 1 } as const;
    return await writeCrl(await openAuthority(directory, { ...unused, passphrase }, now), {});
  });
  return {
    source: foreign,
    directory,
    caName: nameOf(authority.found.content),
    caCertificate: authority.outcome,
    caKey: hasEncryptedKey(authority) ? 'copied-encrypted' : 'copied',
    certificates: certificates.map((each) => describe(each, revokedAt.get(each.serialNumber))),
    crl,
    warnings: [
      ...warnOfCa(authority.found.content),
      ...warnOfRows(foreign, state, certificates),
      ...warnOfCertificates(
        certificates.filter(({ serialNumber }) => revokedAt.get(serialNumber) === undefined),
        new Date(options.now()),
        directory,
      ),
      ...warnOfSharedSerials(certificates),
      ...warnOfCrl(state.crl, new Date(options.now()), crl.file),
      ...warnOfUnreadable(material),
    ],
  };
}

interface NewFile {
  readonly file: string;
  readonly text: string;
  readonly access: 'public' | 'secret';
}

function stateFiles(directory: string, authority: ForeignAuthority, state: ForeignState): NewFile[] {
  const { key, certificate, database, crlNumber } = authorityFiles(directory);
  const { nextSerial } = state;
  return [
    { file: key, text: authority.keyPem, access: 'secret' },
    { file: certificate, text: authority.certificatePem, access: 'public' },
    { file: database, text: formatRows(state.rows), access: 'public' },
    // A renewed certificate has the subject of the one it replaces, which `openssl ca` only accepts with this
    // setting.
    { file: `${database}.attr`, text: 'unique_subject = no\n', access: 'public' },
    { file: crlNumber, text: formatCrlNumber(state.crlNumber), access: 'public' },
    ...(nextSerial === undefined
      ? []
      : [
          {
            file: path.join(directory, 'ca-serial.txt'),
            text: formatCrlNumber(BigInt(`0x${nextSerial}`)),
            access: 'public',
          } as const,
        ]),
  ];
}

function certificateFiles(
  directory: string,
  { name, certificate, key }: NamedCertificate,
  { found }: ForeignAuthority,
): NewFile[] {
  const text = certificate.toString() + formatSent([found.certificate]);
  const files: NewFile[] = [{ file: path.join(directory, `${name}-crt.pem`), text, access: 'public' }];
  if (key !== undefined) {
    files.push({ file: path.join(directory, `${name}-key.pem`), text: key.pem, access: 'secret' });
  }
  return files;
}

/** Creates all files and runs what depends on them, or removes them all. The folder is locked meanwhile. */
async function createAll<Result>(
  directory: string,
  files: readonly NewFile[],
  after: () => Promise<Result>,
): Promise<Result> {
  const made = await makeFolder(directory);
  return await withLock(directory, async () => {
    const places = [...files.map(({ file }) => file), authorityFiles(directory).crl];
    checkFree(directory, places);
    try {
      for (const { file, text, access } of files) await createFile(file, text, access);
      return await after();
    } catch (error) {
      for (const place of places) await rm(place, { force: true });
      if (made !== undefined) await rm(made, { recursive: true });
      throw error;
    }
  });
}

function checkFree(directory: string, places: readonly string[]): void {
  const present = places.filter((place) => existsSync(place));
  if (present.length === 0) return;
  const more = present.length > 3 ? ` and ${present.length - 3} more` : '';
  throw new MtlsError('ERR_MTLS_FILE_EXISTS', {
    seen: `${present.slice(0, 3).join(', ')}${more} would be overwritten, so nothing was written`,
    remedy: `import into another folder with --dir, or move this one away with "${moveAway(directory)}"`,
  });
}

function describe(
  { name, serialNumber, content, file, key }: NamedCertificate,
  revokedAt: Date | undefined,
): ImportedCertificate {
  const keyOutcome = key?.publicKey === undefined ? 'copied-encrypted' : 'copied';
  return {
    name,
    serialNumber,
    commonName: nameOf(content),
    file,
    key: key === undefined ? 'absent' : keyOutcome,
    revokedAt,
  };
}

function nameOf({ subject }: Certificate): string {
  return subject.get('CN').at(-1) ?? subject.toString();
}
