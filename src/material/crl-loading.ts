/**
 * From sources of CRLs to packed CRLs: parsed, verified, indexed and compared with those in force. Inputs and results
 * are plain data, because large CRLs are loaded on a separate thread.
 *
 * @module
 */
import { dataOf, type ErrorData, MtlsError } from '../errors.js';
import { coverageOf } from '../revocation/crl-coverage.js';
import { compareCrls, type CrlDiff, type ScopedEntries } from '../revocation/crl-diff.js';
import { newestOfEachScope, scopeKey } from '../revocation/crl-set.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import {
  checkCrlDates,
  type CrlBytes,
  digestOf,
  packCrl,
  type PackedCrl,
  readSignedCrl,
  type SignedCrl,
} from '../revocation/verified-crl.js';
import { CertificateStore } from '../x509/certificate-store.js';
import { parseCertificate } from '../x509/certificate.js';
import { dropOthers, readBlocks } from './blocks.js';
import { certificateBlocks, crlBlocks, filesOf, isAmong, readSource, type SourceBytes } from './sources.js';

/** A source of CRLs that any thread can read. */
export type CrlInput =
  | {
      readonly path: string;
      readonly option: string;
      /** The paths of the CA sources. A file among them can be in a directory of CRLs without holding a CRL. */
      readonly cas?: readonly string[];
    }
  | { readonly bytes: Uint8Array; readonly origin: string };

/** What to load, with which CAs and policy, and what is in force. */
export interface CrlRequest {
  readonly inputs: readonly CrlInput[];
  /** The CAs in DER. */
  readonly cas: readonly Uint8Array[];
  readonly policy: CompleteRevocationPolicy;
  /** Milliseconds since 1970. */
  readonly at: number;
  /**
   * The purpose of loading. `'server'`: an unreadable source or an expired CRL is reported as a fault. `'question'`,
   * a single check without a server: an unreadable source is thrown as an error, and expired CRLs are loaded. A CRL
   * that cannot be verified is a fault in both cases.
   */
  readonly purpose: 'server' | 'question';
  /** Up to how many entries the bytes of a CRL are kept for OpenSSL. */
  readonly keepEntries: number;
  /** The hash of the sources in force. If it is unchanged, nothing is loaded. */
  readonly hash: string | undefined;
  /** The CRLs in force, without those of CAs that are no longer configured. */
  readonly inForce: readonly ScopedEntries[];
  /** The digests of those from sources that are not read here. */
  readonly staying: readonly string[];
}

/** The result of loading. */
export interface CrlResponse {
  /** A hash of the sources. */
  readonly hash: string;
  /** The CRLs; for one that is already in force, only its digest. `undefined` if nothing changed. */
  readonly crls: readonly (PackedCrl | { readonly unchanged: string })[] | undefined;
  /** The result of each input, in order; if nothing changed, only what was found in it. */
  readonly inputs: readonly CrlInputReport[];
  readonly diff: CrlDiff;
  /** The scopes in force that lost entries. */
  readonly shrunk: readonly string[];
}

/** The result of one input. */
export interface CrlInputReport {
  /** The digests of the CRLs in it, verified or not. */
  readonly found: readonly string[];
  /** The digests of the CRLs in it that were verified. */
  readonly digests: readonly string[];
  /** The faults of the input and of its other CRLs. */
  readonly faults: readonly { readonly origin: string; readonly error: ErrorData }[];
}

/**
 * Loads CRLs.
 * @param store - The CAs of the request, if they are on this thread already.
 * @throws MtlsError the fault of an unreadable source, if `purpose` is `'question'`.
 */
export function loadCrls(request: CrlRequest, store?: CertificateStore): CrlResponse {
  const reading: Reading = { signed: [], faults: [] };
  const lists = request.inputs.flatMap((input, index) => readLists(input, index, reading, request));
  const hash = hashOf(lists, reading);
  if (hash === request.hash) {
    const found = request.inputs.map((_, index) => ({
      found: foundIn(index, lists),
      digests: [],
      faults: [],
    }));
    return { hash, crls: undefined, inputs: found, diff: { added: 0, removed: 0 }, shrunk: [] };
  }
  const distinct = [...new Map(lists.map((list) => [list.digest, list])).values()];
  verifyAll(distinct, reading, { ...request, store: store ?? storeOf(request) });
  const crls = packAll(newestOfEachScope(reading.signed), reading, request);
  const others = request.inForce.filter(({ digest }) => request.staying.includes(digest));
  const after = [...crls.map(({ entries }) => entries), ...others];
  const inputs = request.inputs.map((_, index) => reportOf(index, lists, reading));
  return { hash, crls: crls.map(({ result }) => result), inputs, ...compareCrls(request.inForce, after) };
}

function reportOf(input: number, lists: readonly CrlList[], { signed, faults }: Reading): CrlInputReport {
  const verified = new Set(signed.map(({ digest }) => digest));
  const digests = foundIn(input, lists);
  return {
    found: digests,
    digests: digests.filter((digest) => verified.has(digest)),
    faults: faults
      .filter((fault) => fault.input === input)
      .map(({ origin, error }) => ({ origin, error: dataOf(error) })),
  };
}

function foundIn(input: number, lists: readonly CrlList[]): string[] {
  return lists.filter((list) => list.input === input).map(({ digest }) => digest);
}

/** A CRL, and the input that it came from. */
interface CrlList extends CrlBytes {
  readonly input: number;
}

interface Reading {
  readonly signed: (SignedCrl & { readonly input: number })[];
  readonly faults: { readonly input: number; readonly origin: string; readonly error: MtlsError }[];
}

function readLists(input: CrlInput, index: number, reading: Reading, request: CrlRequest): CrlList[] {
  const lists: CrlList[] = [];
  for (const source of readSources(input, index, reading, request)) {
    const { origin } = source;
    attempt(reading, { input: index, origin }, () => {
      for (const der of readBlocks(source, crlBlocks))
        lists.push({ der, origin, digest: digestOf(der), input: index });
    });
  }
  return lists;
}

function readSources(
  input: CrlInput,
  index: number,
  reading: Reading,
  { purpose }: CrlRequest,
): readonly SourceBytes[] {
  if (!('path' in input)) {
    const { buffer, byteOffset, byteLength } = input.bytes;
    return [{ bytes: Buffer.from(buffer, byteOffset, byteLength), origin: input.origin }];
  }
  const { path, option, cas = [] } = input;
  const read = (origin: string, work: () => void): void => {
    if (purpose === 'question') work();
    else attempt(reading, { input: index, origin }, work);
  };
  const files: SourceBytes[] = [];
  read(path, () => {
    // An unreadable file does not affect the others in its directory.
    for (const file of filesOf(path, option, crlBlocks))
      read(file, () => {
        files.push(readSource(file, option));
      });
  });
  return dropOthers(files, ({ origin }) => isAmong(origin, cas, certificateBlocks), crlBlocks);
}

function hashOf(lists: readonly CrlBytes[], { faults }: Reading): string {
  const found = [...lists.map(({ digest }) => digest), ...faults.map(({ error }) => error.message)];
  return digestOf(Buffer.from(found.join('\n')));
}

function storeOf({ cas }: CrlRequest): CertificateStore {
  return new CertificateStore(cas.map((der) => parseCertificate(Buffer.from(der))));
}

function verifyAll(
  lists: readonly CrlList[],
  reading: Reading,
  { store, policy, at, inForce }: CrlRequest & { readonly store: CertificateStore },
): void {
  const known = new Set(inForce.map(({ digest }) => digest));
  for (const list of lists) {
    attempt(reading, list, () => {
      const purpose = known.has(list.digest) ? 'compare' : 'pack';
      const crl = readSignedCrl(list, store, policy, purpose);
      // Expiry is checked later, for the CRLs that no newer one replaces.
      checkCrlDates(crl, { ...policy, stale: 'allow' }, new Date(at));
      reading.signed.push({ ...crl, input: list.input });
    });
  }
}

function attempt(
  { faults }: Reading,
  { input, origin }: { readonly input: number; readonly origin: string },
  run: () => void,
): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    faults.push({ input, origin, error });
  }
}

interface Loaded {
  readonly result: PackedCrl | { readonly unchanged: string };
  readonly entries: ScopedEntries;
}

function packAll(crls: Reading['signed'], reading: Reading, request: CrlRequest): Loaded[] {
  const loaded: Loaded[] = [];
  for (const crl of crls) {
    attempt(reading, crl, () => {
      if (mustBeCurrent(crl, request)) checkCrlDates(crl, request.policy, new Date(request.at));
      loaded.push(packUnlessKnown(crl, request));
    });
  }
  return loaded;
}

/** Whether an expired CRL is a fault. It is still used, because an expired CRL can still revoke. */
function mustBeCurrent({ crl, digest }: SignedCrl, { purpose, inForce }: CrlRequest): boolean {
  // A delta only adds revocations to its base; while the base is current, the base decides.
  if (purpose === 'question' || crl.deltaBase !== undefined) return false;
  // A CRL that expired while in force is stale and treated as such; it must not hold up newer CRLs.
  return !inForce.some((known) => known.digest === digest);
}

/** Packing is most of the work, so a CRL that is already in force is not packed again. */
function packUnlessKnown(signed: SignedCrl, { inForce, keepEntries }: CrlRequest): Loaded {
  const known = inForce.find(({ digest }) => digest === signed.digest);
  if (known !== undefined) return { result: { unchanged: signed.digest }, entries: known };
  const packed = packCrl(signed, { keepEntries, seed: inForce[0]?.index.seed });
  const { digest, index } = packed;
  const entries = { scope: scopeKey(signed), coverage: coverageOf(signed, index), digest, index };
  return { result: packed, entries };
}
