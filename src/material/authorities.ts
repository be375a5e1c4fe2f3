/**
 * The CAs whose clients are let in: read from their sources, and checked to be
 * CAs that can be trusted.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { CertificateStore } from '../x509/certificate-store.js';
import { isCa } from '../x509/issuance.js';
import { KeyUsage } from '../x509/certificate-extensions.js';
import { type Certificate } from '../x509/certificate.js';
import { allOrFaults } from './all-or-faults.js';
import { checkNames } from './authority-names.js';
import { dropOthers, readBlocks } from './blocks.js';
import { readCertificates } from './certificate-source.js';
import { type CaPolicy } from './settings.js';
import { listSome } from './shortened-list.js';
import { type CaSource, type CrlSource } from './source-options.js';
import {
  type BlockExpectation,
  caBlocks,
  callLoader,
  crlBlocks,
  isAmong,
  isLoader,
  isPath,
  readPath,
  type SourceBytes,
  toPem,
} from './sources.js';

/**
 * Reads files, directories and loaders.
 * @param name - The option's, for the error.
 * @param crl - The sources of CRLs. What is among them too may hold CRLs, which are not read here.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` for a path that cannot be read, `ERR_MTLS_PEM_INVALID` for what is empty.
 */
export async function readCaSources(
  sources: readonly CaSource[],
  name: string,
  signal: AbortSignal,
  crl: readonly CrlSource[] = [],
): Promise<SourceBytes[]> {
  const readings = sources.map(async (source, index) => {
    const option = sources.length === 1 ? name : `${name}[${index}]`;
    const answer = isLoader(source) ? await callLoader(source, { option, ...caBlocks }, signal) : undefined;
    return readCaSource(source, { option, answer, crl });
  });
  return (await allOrFaults(readings)).flat();
}

/** What it takes to read one source of CAs. */
export interface CaReadOptions {
  readonly option: string;
  /** What the source gave, where it is a loader. */
  readonly answer: readonly SourceBytes[] | undefined;
  /** The sources of CRLs: see {@link readCaSources}. */
  readonly crl: readonly CrlSource[];
}

/**
 * Reads one source of CAs.
 * @throws MtlsError as {@link readCaSources}.
 */
export function readCaSource(
  source: CaSource,
  { option, answer, crl }: CaReadOptions,
): readonly SourceBytes[] {
  if (isPath(source)) {
    const files = readPath(source, option, caBlocks);
    return withoutCrls(files, ({ origin }) => isAmong(origin, crl, crlBlocks));
  }
  const given = isLoader(source)
    ? (answer ?? [])
    : [{ bytes: Buffer.from(source), origin: `options.${option}` }];
  return withoutCrls(given, () => isAmong(source, crl, crlBlocks));
}

const besideCrls: BlockExpectation = { ...caBlocks, beside: ['crl'], remedies: {} };

/** The certificates alone of what is read as CRLs too, so that a new CRL in it is no new CA. */
function withoutCrls(
  files: readonly SourceBytes[],
  isOfCrls: (file: SourceBytes) => boolean,
): readonly SourceBytes[] {
  return dropOthers(files, isOfCrls, besideCrls).map((file) => {
    if (!isOfCrls(file)) return file;
    const pem = toPem(readBlocks(file, besideCrls), 'CERTIFICATE');
    return { origin: file.origin, bytes: Buffer.from(pem) };
  });
}

/**
 * Makes the store of the CAs that sources hold.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` for a certificate that is no CA and signs no CRLs, where none of
 *   them is a self-signed root, where all have expired, and where their names are too long for a handshake.
 */
export function createStore(sources: readonly SourceBytes[], at: Date): CertificateStore {
  const origins = listSome(
    sources.map(({ origin }) => origin),
    ', ',
  );
  return storeOf(sources.flatMap(readCas), { origins, at, partialChain: 'deny', announceCas: 'all' });
}

/**
 * The CAs in a source.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` for a certificate that is no CA and signs no CRLs.
 */
export function readCas(source: SourceBytes): Certificate[] {
  return readCertificates(source, caBlocks).map((certificate) => checkCa(certificate, source.origin));
}

/** Where CAs came from, for the error, as of when they are checked, and how they are trusted. */
export interface StoreOptions extends CaPolicy {
  readonly origins: string;
  readonly at: Date;
  /** Only what is a trust anchor there may be one here. */
  readonly before?: CertificateStore;
}

/**
 * Makes the store of CAs.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` as {@link createStore}.
 */
export function storeOf(
  certificates: readonly Certificate[],
  { origins, at, partialChain, announceCas, before }: StoreOptions,
): CertificateStore {
  const store = new CertificateStore(certificates, { partialChain, before });
  if (!certificates.some((certificate) => store.chainOf(certificate, [], at) !== undefined)) {
    throw new MtlsError('ERR_MTLS_CA_INVALID', {
      source: origins,
      seen: 'no certificate in it leads to a self-signed root, so that no client could be trusted',
      remedy:
        partialChain === 'allow'
          ? 'give a CA that may sign certificates'
          : "add the root: that admits every client of every CA below it, unless requireClient({ issuer: … }) says which; or make the CA a trust anchor with partialChain: 'allow'",
    });
  }
  if (certificates.every(({ notAfter }) => notAfter <= at)) {
    const last = new Date(Math.max(...certificates.map(({ notAfter }) => notAfter.getTime())));
    throw new MtlsError('ERR_MTLS_CA_INVALID', {
      source: origins,
      seen: `every CA in it has expired, the last at ${last.toISOString()}`,
      remedy: 'make a new CA',
    });
  }
  if (announceCas === 'all') checkNames(store, origins);
  return store;
}

// A leaf in `ca` would be trusted as itself by OpenSSL, whatever signed it.
function checkCa(certificate: Certificate, origin: string): Certificate {
  if (isCa(certificate) || ((certificate.keyUsage ?? 0) & KeyUsage.crlSign) !== 0) return certificate;
  const fault =
    certificate.version < 3
      ? `is of X.509 version ${certificate.version} and not self-signed, so that it cannot say it is a CA`
      : 'is no CA (its basicConstraints do not say CA:TRUE)';
  throw new MtlsError('ERR_MTLS_CA_INVALID', {
    source: origin,
    seen: `"${certificate.subject.describe()}" ${fault}`,
    remedy: 'give the CA that signed the clients, not a client or server certificate',
  });
}
