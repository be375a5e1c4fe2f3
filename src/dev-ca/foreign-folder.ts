/**
 * Finds the files of a CA created elsewhere, by its configuration or else by the names used in common walkthroughs.
 *
 * @module
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { notRegular, unreadableKind } from './bounded-file.js';
import { hasCode, readText } from './files.js';
import { readCaSettings, type CaSettings } from './openssl-config.js';

/** The files of a CA created elsewhere; `undefined` for those that were not found. */
export interface ForeignCa {
  readonly directory: string;
  /** The configuration of `openssl ca` that names the other files. */
  readonly configuration: string | undefined;
  readonly certificate: string;
  readonly key: string;
  readonly database: string | undefined;
  readonly crlNumber: string | undefined;
  readonly serial: string | undefined;
  /** Every file that can hold a certificate, a key or a CRL, nearest to the folder first. */
  readonly material: readonly string[];
}

/** Overrides by the caller. */
export interface ForeignCaOptions {
  /** The file of the CA certificate. */
  readonly certificate?: string | undefined;
  /** The file of the CA key. */
  readonly key?: string | undefined;
  /** A subfolder that does not belong to the CA. */
  readonly except?: string | undefined;
}

const wellKnown = {
  configuration: ['openssl.cnf', 'ca.cnf', 'openssl-ca.cnf', 'caconfig.cnf', 'ca.conf', 'openssl.conf'],
  certificate: [
    ...['ca-crt.pem', 'ca.crt', 'ca-cert.pem', 'cacert.pem', 'ca.cert.pem', 'ca.pem', 'ca.cer', 'cacert.crt'],
    ...['rootCA.pem', 'rootCA.crt', 'root-ca.crt', 'root.crt', 'root.pem'],
  ],
  key: [
    ...['ca-key.pem', 'ca.key', 'cakey.pem', 'ca.key.pem', 'ca-key.key', 'cakey.key'],
    ...['rootCA.key', 'rootCA-key.pem', 'root-ca.key', 'root.key'],
  ],
  database: ['ca-database.txt', 'index.txt', 'database.txt', 'certindex.txt', 'certindex'],
  crlnumber: ['ca-crlnumber.txt', 'crlnumber', 'crlnumber.txt'],
  serial: ['ca-serial.txt', 'serial', 'serial.txt', 'ca-crt.srl', 'ca.srl', 'cacert.srl', 'ca-cert.srl'],
} as const;

const holdsMaterial = /\.(?:pem|crt|cer|cert|der|key|crl)$/i;

/**
 * Finds the files of a CA. Nothing is written.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if the certificate or the key of a CA is missing, or if one of its
 *   file names belongs to something else, such as a FIFO: without its database, the CA would lose its revocations
 */
export async function findForeignCa(directory: string, options: ForeignCaOptions = {}): Promise<ForeignCa> {
  const { files, others } = await listFiles(directory, options.except);
  const { configuration, settings } = await findConfiguration(directory, files);
  checkOthers(others, directory, settings);
  const find = (setting: 'certificate' | 'private_key', names: readonly string[]): string | undefined =>
    placeOf(settings?.[setting], directory, files) ?? files.find(named(names));
  const certificate = options.certificate ?? find('certificate', wellKnown.certificate);
  if (certificate === undefined) throw notFound(directory, 'certificate', '--ca FILE', wellKnown.certificate);
  const key = options.key ?? find('private_key', wellKnown.key);
  if (key === undefined) throw notFound(directory, 'key', '--key FILE', wellKnown.key);
  // The state of another CA in a subfolder does not belong to this one.
  const homes = [directory, path.dirname(certificate)].map((home) => path.resolve(home));
  const near = files.filter((file) => homes.includes(path.resolve(path.dirname(file))));
  const state = (setting: 'database' | 'crlnumber' | 'serial'): string | undefined =>
    placeOf(settings?.[setting], directory, files) ?? near.find(named(wellKnown[setting]));
  const issued = settings?.new_certs_dir;
  const elsewhere =
    issued === undefined ? [] : await listElsewhere(path.resolve(directory, issued), options.except);
  return {
    directory,
    configuration,
    certificate,
    key,
    database: state('database'),
    crlNumber: state('crlnumber'),
    serial: state('serial'),
    material: [...new Set([...files, ...elsewhere])].filter((file) => holdsMaterial.test(file)),
  };
}

interface Listing {
  readonly files: string[];
  /** Entries that are not files, and why. */
  readonly others: { readonly place: string; readonly fault: Error; readonly isFolder: boolean }[];
}

/** The files of a folder and of its direct subfolders, such as `private`, `newcerts` or `demoCA`. */
async function listFiles(directory: string, except: string | undefined): Promise<Listing> {
  const { files, others } = await listFolder(directory);
  for (const { place } of others.filter(({ isFolder }) => isFolder)) {
    const name = path.basename(place);
    if (name.startsWith('.') || name === 'node_modules') continue;
    if (except !== undefined && isSame(place, except)) continue;
    const below = await listFolder(place);
    files.push(...below.files);
    others.push(...below.others);
  }
  return { files, others };
}

async function listFolder(directory: string): Promise<Listing> {
  const listing: Listing = { files: [], others: [] };
  for (const name of (await readdir(directory)).sort()) {
    const place = path.join(directory, name);
    try {
      const seen = await stat(place);
      const isFolder = seen.isDirectory();
      if (seen.isFile()) listing.files.push(place);
      else
        listing.others.push({
          place,
          isFolder,
          fault: notRegular(place, unreadableKind(seen) ?? 'a folder'),
        });
    } catch (error) {
      const fault = hasCode(error, 'ENOENT')
        ? notRegular(place, 'a link that leads nowhere')
        : (error as Error);
      listing.others.push({ place, isFolder: false, fault });
    }
  }
  return listing;
}

/** `new_certs_dir`, which may be missing. */
async function listElsewhere(directory: string, except: string | undefined): Promise<string[]> {
  try {
    const { files, others } = await listFiles(directory, except);
    checkOthers(others, directory, undefined);
    return files;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}

const wellKnownNames: ReadonlySet<string> = new Set(
  Object.values(wellKnown).flatMap((names) => names.map((name) => name.toLowerCase())),
);

/**
 * An entry that is not a file must not have the name of a CA file: importing without that file would lose its
 * contents.
 */
function checkOthers(others: Listing['others'], directory: string, settings: CaSettings | undefined): void {
  const places = others.map(({ place }) => place);
  const named = ['certificate', 'private_key', 'database', 'crlnumber', 'serial'] as const;
  const wanted = new Set(named.map((setting) => placeOf(settings?.[setting], directory, places)));
  for (const { place, fault, isFolder } of others) {
    const name = path.basename(place).toLowerCase();
    const isMaterial = !isFolder && (holdsMaterial.test(name) || /\.(?:cnf|conf)$/.test(name));
    if (isMaterial || wellKnownNames.has(name) || wanted.has(place)) throw fault;
  }
}

async function findConfiguration(
  directory: string,
  files: readonly string[],
): Promise<{ configuration: string | undefined; settings: CaSettings | undefined }> {
  const all = files.filter((file) => path.dirname(file) === directory && /\.(?:cnf|conf)$/.test(file));
  const first = all.filter(named(wellKnown.configuration));
  for (const configuration of new Set([...first, ...all])) {
    const settings = readCaSettings(await readText(configuration));
    if (settings !== undefined) return { configuration, settings };
  }
  return { configuration: undefined, settings: undefined };
}

/**
 * The file that a configuration refers to. The folder may have been moved, or paths may be relative to its parent, so
 * the end of the path is looked up in the folder first: a copy must not refer to its original.
 */
function placeOf(
  setting: string | undefined,
  directory: string,
  files: readonly string[],
): string | undefined {
  if (setting === undefined || setting === '') return undefined;
  const parts = setting.split('/').filter((part) => part !== '' && part !== '.');
  const ends = parts.map((_, index) => path.resolve(directory, ...parts.slice(index)));
  return ends.flatMap((end) => files.filter((file) => isSame(file, end)))[0];
}

function named(names: readonly string[]): (file: string) => boolean {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return (file) => wanted.has(path.basename(file).toLowerCase());
}

function isSame(left: string, right: string): boolean {
  return path.resolve(left) === path.resolve(right);
}

function notFound(directory: string, what: string, option: string, names: readonly string[]): MtlsError {
  return new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `no CA ${what} was found in ${directory}`,
    expected: `a file named in its configuration, or one such as ${names.slice(0, 4).join(', ')}`,
    remedy: `specify it with ${option}`,
  });
}
