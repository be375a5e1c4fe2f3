/**
 * CRLs that are to be published: verified, and compared with what they replace as a server would.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { combineFaults, errorOf, type MtlsError } from '../errors.js';
import { readBlocks } from '../material/blocks.js';
import { combineCrls, entriesOf } from '../material/crl-change.js';
import { type CrlRequest, type CrlResponse } from '../material/crl-loading.js';
import { loadCrlsAside } from '../material/crl-thread.js';
import { type CrlSource } from '../material/source-options.js';
import { callLoader, crlBlocks, isLoader, isPath, readPath, readSource } from '../material/sources.js';
import { scopeKey } from '../revocation/crl-set.js';
import { RevocationChecker } from '../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { digestOf, unpackCrl, type VerifiedCrl } from '../revocation/verified-crl.js';
import { type CertificateStore } from '../x509/certificate-store.js';

/** A CRL that may be published. */
export interface Publication {
  readonly verified: VerifiedCrl;
  readonly der: Buffer;
  /** Where it belongs in a store: one key for each scope, and for the deltas of each scope. */
  readonly key: string;
}

/** With which CAs CRLs are verified, and when. */
export interface Verification {
  readonly store: CertificateStore;
  readonly policy: CompleteRevocationPolicy;
  readonly at: Date;
  readonly signal: AbortSignal;
}

/**
 * Reads and verifies CRLs. Of several with one scope, the newest is taken.
 * @throws MtlsError for each CRL that a server would not start with.
 */
export async function readPublications(
  sources: readonly CrlSource[],
  verification: Verification,
): Promise<Publication[]> {
  const ders = (await Promise.all(sources.map((source) => readDers(source, verification.signal)))).flat();
  const response = await load(ders, verification, 'server', []);
  throwFirst(response.inputs.flatMap(({ faults }) => faults.map(({ error }) => errorOf(error))));
  const byDigest = new Map(ders.map((der) => [digestOf(der), der]));
  return unpackAll(response, verification).map((verified) => ({
    verified,
    der: byDigest.get(verified.digest) as Buffer,
    key: keyOf(verified),
  }));
}

/** The CRL that a key holds; `undefined` if that is no CRL of this scope by these CAs, and can be replaced. */
export async function readStored(
  der: Buffer,
  { verified }: Publication,
  verification: Verification,
): Promise<VerifiedCrl | undefined> {
  const response = await load([der], verification, 'question', []);
  const stored = unpackAll(response, verification);
  return stored.find((one) => scopeKey(one) === scopeKey(verified));
}

/**
 * Rejects a CRL that would roll back another, by the rules of a server.
 * @throws MtlsError `ERR_MTLS_CRL_ROLLBACK`.
 */
export async function checkSuccession(
  stored: VerifiedCrl,
  { der, verified }: Publication,
  verification: Verification,
): Promise<void> {
  const { store, policy, at } = verification;
  const response = await load([der], verification, 'server', [stored]);
  const { faults } = combineCrls({
    arrived: [{ response, known: [stored] }],
    isGiven: (digest) => digest === verified.digest,
    isComplete: true,
    confirmations: undefined,
    // A delta is compared with the delta that it replaces; its full CRL has a key of its own.
    areBasesElsewhere: true,
    store,
    before: new RevocationChecker([stored], store, policy),
    policy,
    at,
  });
  throwFirst(faults.map(({ error }) => error));
}

async function readDers(source: CrlSource, signal: AbortSignal): Promise<Buffer[]> {
  const loadable = { option: 'crl', ...crlBlocks };
  if (isLoader(source))
    return (await callLoader(source, loadable, signal)).flatMap((bytes) =>
      readBlocks({ bytes: Buffer.from(bytes), origin: 'crl.load()' }, crlBlocks),
    );
  const read = isPath(source) ? readPath(source, 'crl', crlBlocks) : [readSource(source, 'crl')];
  return read.flatMap((one) => readBlocks(one, crlBlocks));
}

async function load(
  ders: readonly Buffer[],
  { store, policy, at, signal }: Verification,
  purpose: CrlRequest['purpose'],
  inForce: readonly VerifiedCrl[],
): Promise<CrlResponse> {
  const request: CrlRequest = {
    inputs: ders.map((der) => ({ bytes: der, origin: 'the CRL to publish' })),
    cas: store.certificates.map(({ raw }) => raw),
    policy,
    at: at.getTime(),
    purpose,
    keepEntries: 0,
    hash: undefined,
    inForce: inForce.map(entriesOf),
    staying: [],
  };
  return await loadCrlsAside(request, signal);
}

function unpackAll({ crls = [] }: CrlResponse, { store, at }: Verification): VerifiedCrl[] {
  return crls.flatMap((crl) => ('unchanged' in crl ? [] : unpackCrl(crl, store, at)));
}

/** Half of a SHA-256: two scopes with one key would be no attack, because all CRLs are signed. */
function keyOf(verified: VerifiedCrl): string {
  return createHash('sha256').update(scopeKey(verified)).digest('hex').slice(0, 32);
}

function throwFirst(faults: readonly MtlsError[]): void {
  const [first, ...others] = faults;
  if (first !== undefined) throw combineFaults([first, ...others]);
}
