/**
 * The CAs whose clients are admitted: read from their sources and validated.
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
import { listSome } from '../shortened-list.js';
import { type CaSource, type CrlSource } from './source-options.js';
import {
  type BlockExpectation,
  caBlocks,
  callLoader,
  copyLoaded,
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
 * @param name - The name of the option, for errors.
 * @param crl - The sources of CRLs. A source that is also one of these may contain CRLs, which are ignored here.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` for an unreadable path, `ERR_MTLS_PEM_INVALID` for an empty source.
 */
export async function readCaSources(
  sources: readonly CaSource[],
  name: string,
  signal: AbortSignal,
  crl: readonly CrlSource[] = [],
): Promise<SourceBytes[]> {
  const readings = sources.map(async (source, index) => {
    const option = sources.length === 1 ? name : `${name}[${index}]`;
    const answer = isLoader(source)
      ? copyLoaded(await callLoader(source, { option, ...caBlocks }, signal), option)
      : undefined;
    return readCaSource(source, { option, answer, crl });
  });
  return (await allOrFaults(readings)).flat();
}

/** The context for reading one source of CAs. */
export interface CaReadOptions {
  readonly option: string;
  /** The result of the source, if it is a loader. */
  readonly answer: readonly SourceBytes[] | undefined;
  /** The sources of CRLs, as for {@link readCaSources}. */
  readonly crl: readonly CrlSource[];
}

/**
 * Reads one source of CAs.
 * @throws MtlsError like {@link readCaSources}.
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

/** Only the certificates of a source that also holds CRLs, so that a new CRL in it does not count as a new CA. */
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
 * Creates a store of the CAs in several sources.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` for a certificate that is not a CA and signs no CRLs, if no CA is a
 *   self-signed root, if all have expired, and if their names are too long for a handshake.
 */
export function createStore(
  sources: readonly SourceBytes[],
  at: Date,
  partialChain: CaPolicy['partialChain'] = 'deny',
): CertificateStore {
  const origins = listSome(
    sources.map(({ origin }) => origin),
    ', ',
  );
  return storeOf(sources.flatMap(readCas), { origins, at, partialChain, announceCas: 'all' });
}

/**
 * The CAs in a source.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` for a certificate that is not a CA and signs no CRLs.
 */
export function readCas(source: SourceBytes): Certificate[] {
  return readCertificates(source, caBlocks).map((certificate) => checkCa(certificate, source.origin));
}

/** The origin of the CAs for errors, the time to check them at, and the trust policy. */
export interface StoreOptions extends CaPolicy {
  readonly origins: string;
  readonly at: Date;
  /** If set, only its trust anchors can be trust anchors of the new store. */
  readonly before?: CertificateStore;
  /** A store whose verified signatures are not verified again. */
  readonly predecessor?: CertificateStore | undefined;
}

/**
 * Creates a store of CAs.
 * @throws MtlsError `ERR_MTLS_CA_INVALID`, like {@link createStore}.
 */
export function storeOf(
  certificates: readonly Certificate[],
  { origins, at, partialChain, announceCas, before, predecessor }: StoreOptions,
): CertificateStore {
  const store = new CertificateStore(certificates, { partialChain, before, predecessor });
  if (!certificates.some((certificate) => store.chainOf(certificate, [], at) !== undefined)) {
    throw new MtlsError('ERR_MTLS_CA_INVALID', {
      source: origins,
      seen: 'no certificate in it leads to a self-signed root, so no client could be trusted',
      remedy:
        partialChain === 'allow'
          ? 'add a CA that may sign certificates'
          : "add the root, which admits clients of every CA below it unless requireClient({ issuer: … }) restricts them; or make the CA a trust anchor with partialChain: 'allow'",
    });
  }
  if (certificates.every(({ notAfter }) => notAfter <= at)) {
    const last = new Date(Math.max(...certificates.map(({ notAfter }) => notAfter.getTime())));
    throw new MtlsError('ERR_MTLS_CA_INVALID', {
      source: origins,
      seen: `every CA in it has expired, the last at ${last.toISOString()}`,
      remedy: 'create a new CA',
    });
  }
  if (announceCas === 'all') checkNames(store, origins);
  return store;
}

// OpenSSL would trust a leaf in `ca` directly, regardless of its issuer.
function checkCa(certificate: Certificate, origin: string): Certificate {
  if (isCa(certificate) || ((certificate.keyUsage ?? 0) & KeyUsage.crlSign) !== 0) return certificate;
  const fault =
    certificate.version < 3
      ? `is of X.509 version ${certificate.version} and not self-signed, so it cannot declare itself a CA`
      : 'is not a CA (its basicConstraints lack CA:TRUE)';
  throw new MtlsError('ERR_MTLS_CA_INVALID', {
    source: origin,
    seen: `"${certificate.subject.describe()}" ${fault}`,
    remedy:
      'use the certificate of the CA that issued the client certificates, not a client or server certificate',
  });
}
