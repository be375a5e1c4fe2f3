/**
 * What clients are judged by: CAs and CRLs, read and verified together.
 *
 * @module
 */
import { type Trust } from '../judgement/judges.js';
import { coverageOf } from '../revocation/crl-coverage.js';
import { type CrlDiff, type ScopedEntries } from '../revocation/crl-diff.js';
import { refuseRollback, scopeKey } from '../revocation/crl-set.js';
import { RevocationChecker } from '../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { freshUntil, unpackCrl, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type CertificateStore, isSameCa } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { allOrFaults } from './all-or-faults.js';
import { createStore, readCaSources } from './authorities.js';
import { toCrlInputs } from './crl-inputs.js';
import { type CrlRequest, type CrlResponse } from './crl-loading.js';
import { loadCrlsAside } from './crl-thread.js';
import { type TrustSources } from './server-names.js';
import { type CrlSource } from './source-options.js';
import { hashSources } from './sources.js';

/** CAs and CRLs, from one reading of their sources. Immutable. */
export interface LoadedTrust extends Trust {
  /** Hashes of the sources, to tell what a later reading changes. */
  readonly hashes: { readonly cas: string; readonly crls: string | undefined };
}

/** How CAs and CRLs are read. */
export interface TrustLoadOptions {
  /** What stands before the options' names in an error: `''`, or `'sni["a.example"].'`. */
  readonly prefix: string;
  readonly policy: CompleteRevocationPolicy;
  /** Who judges clients by the CRLs: OpenSSL alone is handed all of them, however large. */
  readonly enforcer: 'openssl' | 'gate';
  readonly at: Date;
  readonly signal: AbortSignal;
}

/** CAs and CRLs, and what these list that those before did not. */
export interface TrustReading {
  readonly trust: LoadedTrust;
  readonly diff: CrlDiff;
}

/**
 * Reads and verifies CAs and CRLs.
 * @param inForce - What they would replace: if nothing changed, it is returned.
 * @throws MtlsError naming file, fault and remedy; `ERR_MTLS_CRL_ROLLBACK` for CRLs older than those in force.
 */
export async function loadTrust(
  { ca, crl }: TrustSources,
  { prefix, policy, enforcer, at, signal }: TrustLoadOptions,
  inForce: LoadedTrust | undefined,
): Promise<TrustReading> {
  const [sources, inputs] = await allOrFaults([
    readCaSources(ca, `${prefix}ca`, signal, crl),
    toCrlInputs(crl, `${prefix}crl`, signal, ca),
  ]);
  const cas = hashSources(sources);
  // The same CAs are the same store, which remembers the chains it has verified.
  const store = inForce?.hashes.cas === cas ? inForce.store : createStore(sources, at);
  if (crl.length === 0) {
    const fresh = { store, revocation: undefined, hashes: { cas, crls: undefined } };
    const trust = inForce?.store === store ? inForce : fresh;
    return { trust, diff: { added: 0, removed: 0 } };
  }
  const known = (inForce?.revocation?.crls ?? []).filter(({ signer }) => isConfigured(signer, store));
  const request: CrlRequest = {
    inputs,
    cas: store.certificates.map(({ raw }) => raw),
    policy,
    at: at.getTime(),
    faulty: 'fail',
    keepEntries: enforcer === 'openssl' ? Infinity : policy.opensslEntries,
    hash: store === inForce?.store ? inForce.hashes.crls : undefined,
    inForce: known.map(entriesOf),
  };
  const response = await loadCrlsAside(request, signal);
  if (response.crls === undefined && inForce !== undefined) return { trust: inForce, diff: response.diff };
  const crls = unpackAll(response, known, store, at);
  const revocation = new RevocationChecker(crls, store, policy);
  refuseRollback(inForce?.revocation?.crls ?? [], {
    crls,
    shrunk: response.shrunk,
    isConfigured: (one) => isConfigured(one, store),
    isSuccessor: (ca, old) => isSuccessor(ca, old, store, at),
    isStale: (one) => freshUntil(one, policy) <= at.getTime(),
    canSpareIndirect: () => policy.unknown === 'deny' && revocation.uncoveredCas(at).length === 0,
  });
  return { trust: { store, revocation, hashes: { cas, crls: response.hash } }, diff: response.diff };
}

/** CRLs for whoever only asks, and those that were set aside. */
export interface AskedRevocation {
  readonly checker: RevocationChecker;
  readonly setAside: CrlResponse['setAside'];
}

/**
 * Reads and verifies CRLs for whoever only asks: one that does not verify is set aside, and the rest judge. A server
 * does not start with such a one.
 * @param options - `ca`: the sources that the CAs in `store` came from.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` or `ERR_MTLS_PEM_INVALID` for sources that cannot be read at all.
 */
export async function loadRevocationOf(
  store: CertificateStore,
  crl: readonly CrlSource[],
  { ca, policy, at, signal }: Pick<TrustLoadOptions, 'policy' | 'at' | 'signal'> & Pick<TrustSources, 'ca'>,
): Promise<AskedRevocation> {
  const request: CrlRequest = {
    inputs: await toCrlInputs(crl, 'crl', signal, ca),
    cas: store.certificates.map(({ raw }) => raw),
    policy,
    at: at.getTime(),
    faulty: 'set-aside',
    keepEntries: 0,
    hash: undefined,
    inForce: [],
  };
  const response = await loadCrlsAside(request, signal);
  const checker = new RevocationChecker(unpackAll(response, [], store, at), store, policy);
  return { checker, setAside: response.setAside };
}

/** What the CRLs to come are compared with. */
function entriesOf(one: VerifiedCrl): ScopedEntries {
  const { digest, index } = one;
  return { scope: scopeKey(one), coverage: coverageOf(one, index.data), digest, index: index.data };
}

/** The CRLs of a response; those that did not change keep their object, and when they were loaded. */
function unpackAll(
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

/** Whether a CA is among the configured ones, with this certificate or another of its key. */
function isConfigured(ca: Certificate, store: CertificateStore): boolean {
  return store.ofKey(ca).length > 0;
}

/** Whether one key of a CA is newer than another, by the first certificate that each has. */
function isSuccessor(ca: Certificate, old: Certificate, store: CertificateStore, at: Date): boolean {
  const isSame = store
    .chainsOf(ca, at)
    .some((left) => store.chainsOf(old, at).some((right) => isSameCa(left, right)));
  return isSame && firstDayOf(ca, store) > firstDayOf(old, store);
}

function firstDayOf(ca: Certificate, store: CertificateStore): number {
  return Math.min(...store.ofKey(ca).map(({ notBefore }) => notBefore.getTime()));
}
