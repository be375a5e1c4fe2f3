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
import { type Certificate } from '../x509/certificate.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { allOrFaults } from './all-or-faults.js';
import { createStore, readCaSources } from './authorities.js';
import { toCrlInputs } from './crl-inputs.js';
import { type CrlRequest, type CrlResponse } from './crl-loading.js';
import { loadCrlsAside } from './crl-thread.js';
import { checkServerCredentials, type ServerCredentials } from './server-credentials.js';
import { hashSources, readSource } from './sources.js';

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
  /**
   * `ERR_MTLS_KEY_MISMATCH`, where a new key waits for its certificate or the other way round: then the material has
   * the pair in force. The two come one after the other, and no revocation is to wait for them.
   */
  readonly waiting: MtlsError | undefined;
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
  const { waiting } = credentials;
  if (inForce !== undefined && isSame) return { material: inForce, diff: trust.diff, waiting };
  const { store, revocation } = trust;
  const material = Object.freeze({ credentials: credentials.credentials, store, revocation, hashes });
  return { material, diff: trust.diff, waiting };
}

interface LoadedCredentials {
  readonly credentials: ServerCredentials;
  readonly hash: string;
  readonly waiting: MtlsError | undefined;
}

async function loadCredentials(
  settings: Settings,
  at: Date,
  inForce: Material | undefined,
): Promise<LoadedCredentials> {
  const [key, cert] = await allOrFaults([readSource(settings.key, 'key'), readSource(settings.cert, 'cert')]);
  const hash = hashSources([key, cert]);
  const known = inForce && {
    credentials: inForce.credentials,
    hash: inForce.hashes.credentials,
    waiting: undefined,
  };
  if (known?.hash === hash) return known;
  try {
    const credentials = checkServerCredentials(key, cert, settings.passphrase, at);
    return { credentials, hash, waiting: undefined };
  } catch (error) {
    const isHalf = error instanceof MtlsError && error.code === 'ERR_MTLS_KEY_MISMATCH';
    if (known === undefined || !isHalf) throw error;
    return { ...known, waiting: error };
  }
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
    readCaSources(settings.ca, signal),
    toCrlInputs(settings.crl, signal),
  ]);
  const cas = hashSources(sources);
  // The same CAs are the same store, which remembers the chains it has verified.
  const store = inForce?.hashes.cas === cas ? inForce.store : createStore(sources, at);
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
