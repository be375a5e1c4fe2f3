/**
 * From sources to bytes: files, directories, PEM or DER in memory, loaders. An empty or unreadable source is an
 * error. Files are read synchronously: asynchronous reads would delay a revocation on a busy event loop.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MtlsError } from '../errors.js';
import { type DerKind } from '../x509/der-kind.js';
import { formatPem, type PemBlock } from '../x509/pem.js';
import { purposes } from '../x509/purpose.js';
import { withDescriptor } from './descriptor-reserve.js';
import { callWithin } from './loader-call.js';
import { type CrlSource, type Source, type SourceLoader } from './source-options.js';
import { unreadable } from './unreadable.js';
import { type Expected } from './wrong-kind.js';

/** The content of a source. */
export interface SourceBytes {
  readonly bytes: Buffer;
  /** The path of the file or the name of the option, for errors and logs. */
  readonly origin: string;
}

/** Whether a source is a path rather than the content. */
export function isPath(source: CrlSource): source is string {
  return typeof source === 'string' && !isPem(source);
}

/** Whether text is PEM rather than a path. */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN');
}

/** Whether a source is a loader. */
export function isLoader(source: CrlSource): source is SourceLoader {
  return typeof source === 'object' && 'load' in source;
}

// The limit of every supported Node version for reading a file at once.
const largestFile = 2 ** 31 - 1;

/**
 * Reads a source.
 * @param option - The name of the option, for errors.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` for an unreadable file, `ERR_MTLS_PEM_INVALID` for an empty one.
 */
export function readSource(source: Source, option: string): SourceBytes {
  if (!isPath(source)) return { bytes: Buffer.from(source), origin: `options.${option}` };
  let bytes;
  try {
    bytes = withDescriptor(() => readRegularFile(source));
  } catch (error) {
    throw unreadable(source, option, error);
  }
  if (bytes.length === 0) {
    throw new MtlsError('ERR_MTLS_PEM_INVALID', {
      seen: `${source} (options.${option}) is empty`,
      expected: 'PEM or DER',
      remedy: 'write it again, or wait until it is written',
    });
  }
  return { bytes, origin: source };
}

// Windows does not have this flag.
const { O_NONBLOCK: nonBlocking = 0 } = constants as { readonly O_NONBLOCK?: number };

function readRegularFile(path: string): Buffer {
  // Non-blocking: opening a pipe, even one that has just replaced the file, would block this and every later reload.
  const file = openSync(path, constants.O_RDONLY | nonBlocking);
  try {
    const seen = fstatSync(file);
    if (!seen.isFile()) throw Object.assign(new Error('not a file'), { code: 'EISDIR' });
    if (seen.size > largestFile) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a file, or the files of a directory whose names match the expectation.
 * @throws MtlsError like {@link readSource}, and with the code of the expectation for a directory without such files.
 */
export function readPath(path: string, option: string, expectation: BlockExpectation): SourceBytes[] {
  return filesOf(path, option, expectation).map((file) => readSource(file, option));
}

/**
 * The path itself for a file; for a directory, the files in it whose names match the expectation.
 * @throws MtlsError like {@link readPath}, except for reading the files.
 */
export function filesOf(
  path: string,
  option: string,
  { noun, code, fileName, endings }: BlockExpectation,
): string[] {
  if (!isDirectory(path, option)) return [path];
  const names = listDirectory(path, option).filter((name) => fileName.test(name));
  if (names.length > 0) return names.sort().map((name) => join(path, name));
  throw new MtlsError(code, {
    seen: `${path} (options.${option}) is a directory without a ${noun}`,
    expected: `file names that end in ${endings}`,
  });
}

/** The option of a loader, and what it must return. */
export interface Loadable extends Pick<BlockExpectation, 'noun'>, Partial<Pick<BlockExpectation, 'kind'>> {
  readonly option: string;
}

/**
 * Calls a loader. Its signal is aborted when the server closes, and after a minute.
 * @param limitMs - Replaces the minute; for tests.
 * @returns What it returned. Only a loader of CRLs with `mayBeEmpty` can return an empty array.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` for a loader that rejects, returns nothing, or takes too long.
 */
export async function callLoader(
  loader: SourceLoader,
  { option, noun, kind }: Loadable,
  closing: AbortSignal,
  limitMs?: number,
): Promise<readonly Uint8Array[]> {
  const origin = `options.${option}.load()`;
  const loaded: unknown = await callWithin((signal) => loader.load(signal), origin, closing, limitMs);
  const mayBeEmpty = loader.mayBeEmpty === true && kind === 'crl';
  const isUsable =
    Array.isArray(loaded) &&
    (loaded.length > 0 || mayBeEmpty) &&
    loaded.every((item) => item instanceof Uint8Array && item.length > 0);
  if (!isUsable) throw returnedNothing(option, noun);
  return [...(loaded as Uint8Array[])];
}

function returnedNothing(option: string, noun: string): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `options.${option}.load() returned no ${noun}`,
    expected: 'an array of Buffers, at least one, none empty',
  });
}

/** Copies what a loader returned. */
export function copyLoaded(loaded: readonly Uint8Array[], option: string): SourceBytes[] {
  return loaded.map((bytes) => ({ bytes: Buffer.from(bytes), origin: `options.${option}.load()` }));
}

function listDirectory(path: string, option: string): string[] {
  try {
    return withDescriptor(() => readdirSync(path));
  } catch (error) {
    throw unreadable(path, option, error);
  }
}

/**
 * Whether a path is a directory.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` if it does not exist or is inaccessible.
 */
export function isDirectory(path: string, option: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw unreadable(path, option, error);
  }
}

/**
 * Whether sources include a file or its directory. Sources in memory are compared by their bytes, loaders by
 * identity.
 */
export function isAmong(
  source: CrlSource,
  sources: readonly CrlSource[],
  { fileName }: Pick<BlockExpectation, 'fileName'>,
): boolean {
  if (isLoader(source)) return sources.includes(source);
  if (!isPath(source)) {
    const bytes = Buffer.from(source);
    return sources.some((one) => !isLoader(one) && !isPath(one) && bytes.equals(Buffer.from(one)));
  }
  const file = resolve(source);
  const paths = sources.filter(isPath).map((path) => resolve(path));
  return paths.includes(file) || (paths.includes(dirname(file)) && fileName.test(basename(file)));
}

/** What a source must hold. */
export interface BlockExpectation extends Expected {
  readonly kind: DerKind;
  /** What may stand beside it, and is ignored. */
  readonly beside: readonly DerKind[];
  /** The object identifier of the purpose that a TRUSTED CERTIFICATE must be trusted for; `undefined` for none. */
  readonly purpose?: string;
  /** The names that openssl, cert-manager and `openssl rehash` give such files. */
  readonly fileName: RegExp;
  /** The same, for errors. */
  readonly endings: string;
}

/** CRLs. The label is that of RFC 7468 section 6. */
export const crlBlocks: BlockExpectation = {
  kind: 'crl',
  label: 'X509 CRL',
  noun: 'CRL',
  code: 'ERR_MTLS_CRL_INVALID',
  beside: ['certificate'],
  fileName: /\.(pem|crl|der)$|^[0-9a-f]{8}\.r\d+$/i,
  endings: '.pem, .crl or .der, or are like 1a2b3c4d.r0',
};
/** Certificates. */
export const certificateBlocks: BlockExpectation = {
  kind: 'certificate',
  label: 'CERTIFICATE',
  noun: 'certificate',
  code: 'ERR_MTLS_PEM_INVALID',
  beside: [],
  fileName: /\.(pem|crt|cer|der)$|^[0-9a-f]{8}\.\d+$/i,
  endings: '.pem, .crt, .cer or .der, or are like 1a2b3c4d.0',
};
/** Certificates of CAs whose clients are admitted. A CRL beside them is an error, not silently ignored. */
export const caBlocks: BlockExpectation = {
  ...certificateBlocks,
  purpose: purposes.clientAuth,
  remedies: { crl: 'add this source to options.crl too, or remove the CRL from it' },
};

/** PEM of several structures, for node:tls. */
export function toPem(ders: readonly Buffer[], label: PemBlock['label']): string {
  return ders.map((der) => formatPem({ label, der })).join('');
}

/** A hash of what was read. A file that was only touched does not change it. */
export function hashSources(sources: readonly SourceBytes[]): string {
  const hash = createHash('sha256');
  for (const { bytes, origin } of sources)
    hash.update(`${origin.length} ${origin} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}
