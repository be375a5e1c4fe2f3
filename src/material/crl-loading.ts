/**
 * From the sources of CRLs to packed CRLs: read, verified, indexed, compared with
 * those in force. Plain data in, plain data out: it runs on the main thread for
 * small lists, and on one of its own for large ones.
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

/** A source of CRLs, ready to be read on any thread. */
export type CrlInput =
  | {
      readonly path: string;
      readonly option: string;
      /** The paths that CAs are read from. A file among them may lie in a directory of CRLs without having one. */
      readonly cas?: readonly string[];
    }
  | { readonly bytes: Uint8Array; readonly origin: string };

/** What to load, by which CAs and rules, and what is in force. */
export interface CrlRequest {
  readonly inputs: readonly CrlInput[];
  /** The CAs, DER. */
  readonly cas: readonly Uint8Array[];
  readonly policy: CompleteRevocationPolicy;
  /** Milliseconds since 1970. */
  readonly at: number;
  /**
   * What the CRLs are for. `'server'`: a source that cannot be read is reported as a fault, and so is a CRL that has
   * expired. `'question'`, a single check without a server: a source that cannot be read is thrown as an error, and
   * expired CRLs are loaded. A CRL that does not verify is a fault in both cases.
   */
  readonly purpose: 'server' | 'question';
  /** Up to how many entries a CRL's bytes are kept, for handing them to OpenSSL. */
  readonly keepEntries: number;
  /** The hash of the sources in force: if theirs is the same, nothing is loaded. */
  readonly hash: string | undefined;
  /** The CRLs in force, those of CAs that are no longer configured left out. */
  readonly inForce: readonly ScopedEntries[];
  /** The digests of those among them that other sources gave, which are not read here. */
  readonly staying: readonly string[];
}

/** What was loaded. */
export interface CrlResponse {
  /** A hash of the sources. */
  readonly hash: string;
  /** The CRLs; of one that is in force already, its digest alone. `undefined`: nothing changed at all. */
  readonly crls: readonly (PackedCrl | { readonly unchanged: string })[] | undefined;
  /** What each input gave, in their order; meaningless where nothing changed. */
  readonly inputs: readonly CrlInputReport[];
  readonly diff: CrlDiff;
  /** The scopes of CRLs in force that certificates went from. */
  readonly shrunk: readonly string[];
}

/** What one input gave. */
export interface CrlInputReport {
  /** Of the CRLs in it that verify. */
  readonly digests: readonly string[];
  /** What is wrong with it, and with the others. */
  readonly faults: readonly { readonly origin: string; readonly error: ErrorData }[];
}

/**
 * Loads CRLs.
 * @throws MtlsError what is wrong with a source that cannot be read, where `purpose` is `'question'`.
 */
export function loadCrls(request: CrlRequest): CrlResponse {
  const reading: Reading = { signed: [], faults: [] };
  const lists = request.inputs.flatMap((input, index) => readLists(input, index, reading, request));
  const hash = hashOf(lists, reading);
  if (hash === request.hash)
    return { hash, crls: undefined, inputs: [], diff: { added: 0, removed: 0 }, shrunk: [] };
  const distinct = [...new Map(lists.map((list) => [list.digest, list])).values()];
  verifyAll(distinct, reading, request);
  const crls = packAll(newestOfEachScope(reading.signed), reading, request);
  const others = request.inForce.filter(({ digest }) => request.staying.includes(digest));
  const after = [...crls.map(({ entries }) => entries), ...others];
  const inputs = request.inputs.map((_, index) => reportOf(index, lists, reading));
  return { hash, crls: crls.map(({ result }) => result), inputs, ...compareCrls(request.inForce, after) };
}

function reportOf(input: number, lists: readonly CrlList[], { signed, faults }: Reading): CrlInputReport {
  const verified = new Set(signed.map(({ digest }) => digest));
  const own = lists.filter((list) => list.input === input);
  const digests = own.map(({ digest }) => digest);
  return {
    digests: digests.filter((digest) => verified.has(digest)),
    faults: faults
      .filter((fault) => fault.input === input)
      .map(({ origin, error }) => ({ origin, error: dataOf(error) })),
  };
}

/** A CRL, and which input it came from. */
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
    // A file that does not read holds up no other in its directory.
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

function verifyAll(lists: readonly CrlList[], reading: Reading, { cas, policy, at }: CrlRequest): void {
  const store = new CertificateStore(cas.map((der) => parseCertificate(Buffer.from(der))));
  for (const list of lists) {
    attempt(reading, list, () => {
      const crl = readSignedCrl(list, store, policy);
      // Whether it has expired is asked of those that no newer one replaces.
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

/** Whether a CRL must not have expired. An expired one still revokes, so that it is never set aside for that. */
function mustBeCurrent({ crl, digest }: SignedCrl, { purpose, inForce }: CrlRequest): boolean {
  // A delta only adds to what its base revokes: while the base is current, the base decides.
  if (purpose === 'question' || crl.deltaBase !== undefined) return false;
  // One that expired while it was in force is stale, and judged so; it must not keep another one's news out.
  return !inForce.some((known) => known.digest === digest);
}

/** Packing is most of the work: a list that is in force already is not packed again. */
function packUnlessKnown(signed: SignedCrl, { inForce, keepEntries }: CrlRequest): Loaded {
  const known = inForce.find(({ digest }) => digest === signed.digest);
  if (known !== undefined) return { result: { unchanged: signed.digest }, entries: known };
  const packed = packCrl(signed, { keepEntries, seed: inForce[0]?.index.seed });
  const { digest, index } = packed;
  const entries = { scope: scopeKey(signed), coverage: coverageOf(signed, index), digest, index };
  return { result: packed, entries };
}
