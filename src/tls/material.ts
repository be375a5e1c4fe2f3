/**
 * Everything the sources hold, read and checked as one: key, certificate, CAs
 * and CRLs. What a reload builds before it touches anything in force.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type Settings } from '../options.js';
import { type CrlDiff } from '../revocation/crl-diff.js';
import { scopeKey } from '../revocation/crl-set.js';
import { RevocationChecker } from '../revocation/revocation-checker.js';
import { unpackCrl, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type Certificate, KeyUsage, parseCertificate } from '../x509/certificate.js';
import { CertificateStore, isCa } from '../x509/certificate-store.js';
import { allOrFaults } from './all-or-faults.js';
import { toCrlInputs } from './crl-inputs.js';
import { type CrlRequest, type CrlResponse } from './crl-loading.js';
import { loadCrlsAside } from './crl-thread.js';
import { checkServerCredentials, type ServerCredentials } from './server-credentials.js';
import { certificateBlocks, hashSources, readBlocks, readSource, type SourceBytes } from './sources.js';

/** What a server works with, from one reading of its sources. Immutable. */
export interface Material {
  readonly credentials: ServerCredentials;
  readonly store: CertificateStore;
  /** `undefined`: no CRL was configured. */
  readonly revocation: RevocationChecker | undefined;
  /** Hashes of the sources, to tell what a later reading changes. */
  readonly hashes: { readonly credentials: string; readonly cas: string; readonly crls: string | undefined };
}

/** How sources are read. */
export interface LoadOptions {
  /** Who judges clients by the CRLs: OpenSSL alone is handed all of them, however large. */
  readonly judge: 'openssl' | 'gate';
  readonly signal: AbortSignal;
}

/** Material, and what its CRLs list that those before did not. */
export interface LoadedMaterial {
  readonly material: Material;
  readonly diff: CrlDiff;
}

/**
 * Reads and checks every source.
 * @param inForce - What it would replace: what did not change is taken over, and if nothing did, all of it is.
 * @throws MtlsError naming file, fault and remedy; where several sources are at fault, the message lists them all.
 */
export async function loadMaterial(
  settings: Settings,
  { judge, signal }: LoadOptions,
  inForce?: Material,
): Promise<LoadedMaterial> {
  const at = new Date(settings.now());
  const [credentials, trust] = await allOrFaults([
    loadCredentials(settings, at, inForce),
    loadTrust(settings, at, { judge, signal }, inForce),
  ]);
  const hashes = { credentials: credentials.hash, cas: trust.hashes.cas, crls: trust.hashes.crls };
  const old = inForce?.hashes;
  const isSame =
    old?.credentials === hashes.credentials && old.cas === hashes.cas && old.crls === hashes.crls;
  if (inForce !== undefined && isSame) return { material: inForce, diff: trust.diff };
  const { store, revocation } = trust;
  const material = Object.freeze({ credentials: credentials.credentials, store, revocation, hashes });
  return { material, diff: trust.diff };
}

async function loadCredentials(
  settings: Settings,
  at: Date,
  inForce: Material | undefined,
): Promise<{ credentials: ServerCredentials; hash: string }> {
  const [key, cert] = await allOrFaults([readSource(settings.key, 'key'), readSource(settings.cert, 'cert')]);
  const hash = hashSources([key, cert]);
  if (inForce?.hashes.credentials === hash) return { credentials: inForce.credentials, hash };
  return { credentials: checkServerCredentials(key, cert, settings.passphrase, at), hash };
}

type Trust = Pick<Material, 'store' | 'revocation'> & {
  readonly hashes: Omit<Material['hashes'], 'credentials'>;
  readonly diff: CrlDiff;
};

async function loadTrust(
  settings: Settings,
  at: Date,
  { judge, signal }: LoadOptions,
  inForce: Material | undefined,
): Promise<Trust> {
  const [sources, inputs] = await allOrFaults([
    allOrFaults(settings.ca.map((source, index) => readSource(source, nameOf('ca', index, settings.ca)))),
    toCrlInputs(settings.crl, signal),
  ]);
  const cas = hashSources(sources);
  // The same CAs are the same store, which remembers the chains it has verified.
  const store = inForce?.hashes.cas === cas ? inForce.store : readCas(sources, at);
  if (settings.crl.length === 0) {
    return { store, revocation: undefined, hashes: { cas, crls: undefined }, diff: { added: 0, removed: 0 } };
  }
  const known = (inForce?.revocation?.crls ?? []).filter(({ signer }) => isConfigured(signer, store));
  const request: CrlRequest = {
    inputs,
    cas: store.certificates.map(({ raw }) => raw),
    policy: settings.revocation,
    at: at.getTime(),
    faulty: 'fail',
    keepEntries: judge === 'openssl' ? Infinity : settings.revocation.opensslEntries,
    hash: store === inForce?.store ? inForce.hashes.crls : undefined,
    inForce: known.map((crl) => ({ scope: scopeKey(crl), digest: crl.digest, index: crl.index.data })),
  };
  const response = await loadCrlsAside(request, signal);
  const revocation =
    response.crls === undefined && inForce?.revocation !== undefined
      ? inForce.revocation
      : new RevocationChecker(unpackAll(response, known, store, at), store, settings.revocation);
  return { store, revocation, hashes: { cas, crls: response.hash }, diff: response.diff };
}

/** The CRLs of a response; those that did not change keep their object, and when they were loaded. */
export function unpackAll(
  { crls = [] }: CrlResponse,
  known: readonly VerifiedCrl[],
  store: CertificateStore,
  at: Date,
): VerifiedCrl[] {
  return crls.map((crl) => {
    if (!('unchanged' in crl)) return unpackCrl(crl, store, at);
    return known.find(({ digest }) => digest === crl.unchanged) as VerifiedCrl;
  });
}

/** Whether a CA is among the configured ones. */
export function isConfigured(ca: Certificate, { certificates }: CertificateStore): boolean {
  return certificates.some(({ raw }) => raw.equals(ca.raw));
}

function nameOf(option: string, index: number, list: readonly unknown[]): string {
  return list.length === 1 ? option : `${option}[${index}]`;
}

/**
 * Reads the CAs.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a certificate that is no CA and signs no CRLs, where none of
 *   them is a self-signed root, and where all have expired.
 */
function readCas(sources: readonly SourceBytes[], at: Date): CertificateStore {
  const certificates = sources.flatMap((source) =>
    readBlocks(source, certificateBlocks).map((der) =>
      checkCa(readCertificate(der, source.origin), source.origin),
    ),
  );
  const origins = sources.map(({ origin }) => origin).join(', ');
  const store = new CertificateStore(certificates);
  if (!certificates.some((certificate) => store.chainOf(certificate, [], at) !== undefined)) {
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `${origins}: no certificate in it leads to a self-signed root, so that no client could be trusted; add the root`,
    );
  }
  if (certificates.every(({ notAfter }) => notAfter <= at)) {
    const last = new Date(Math.max(...certificates.map(({ notAfter }) => notAfter.getTime())));
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `${origins}: every CA in it has expired, the last at ${last.toISOString()}; make a new CA`,
    );
  }
  return store;
}

function readCertificate(der: Buffer, origin: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    if (!(cause instanceof MtlsError)) throw cause;
    throw new MtlsError('ERR_MTLS_PEM_INVALID', `${origin}: ${cause.message}`, { cause });
  }
}

// A leaf in `ca` would be trusted as itself by OpenSSL, whatever signed it.
function checkCa(certificate: Certificate, origin: string): Certificate {
  if (isCa(certificate) || ((certificate.keyUsage ?? 0) & KeyUsage.crlSign) !== 0) return certificate;
  const fault =
    certificate.version < 3
      ? `is of X.509 version ${certificate.version} and not self-signed, so that it cannot say it is a CA`
      : 'is no CA (its basicConstraints do not say CA:TRUE)';
  throw new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${origin}: "${certificate.subject}" ${fault}; give the CA that signed the clients, not a client or server certificate`,
  );
}
