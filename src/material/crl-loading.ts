/**
 * From the sources of CRLs to packed CRLs: read, verified, indexed, compared with
 * those in force. Plain data in, plain data out: it runs on the main thread for
 * small lists, and on one of its own for large ones.
 *
 * @module
 */
import { combineFaults, dataOf, type ErrorData, MtlsError } from '../errors.js';
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
import { certificateBlocks, crlBlocks, isAmong, readPath, type SourceBytes } from './sources.js';

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
  /** What a CRL does that does not verify: it fails the whole, or it is set aside and the rest is loaded. */
  readonly faulty: 'fail' | 'set-aside';
  /** Up to how many entries a CRL's bytes are kept, for handing them to OpenSSL. */
  readonly keepEntries: number;
  /** The hash of the sources in force: if theirs is the same, nothing is loaded. */
  readonly hash: string | undefined;
  /** The CRLs in force, those of CAs that are no longer configured left out. */
  readonly inForce: readonly ScopedEntries[];
}

/** What was loaded. */
export interface CrlResponse {
  /** A hash of the sources. */
  readonly hash: string;
  /** The CRLs; of one that is in force already, its digest alone. `undefined`: nothing changed at all. */
  readonly crls: readonly (PackedCrl | { readonly unchanged: string })[] | undefined;
  readonly setAside: readonly {
    readonly origin: string;
    readonly error: ErrorData;
  }[];
  readonly diff: CrlDiff;
  /** The scopes of CRLs in force that certificates went from. */
  readonly shrunk: readonly string[];
}

/**
 * Loads CRLs.
 * @throws MtlsError what is wrong with a source, or with a CRL where faulty ones fail the whole.
 */
export async function loadCrls(request: CrlRequest): Promise<CrlResponse> {
  const sources = (await Promise.all(request.inputs.map(readInput))).flat();
  const reading: Reading = { signed: [], faults: [] };
  const lists = sources.flatMap((source) => readLists(source, reading));
  const hash = hashOf(lists, reading);
  if (hash === request.hash)
    return { hash, crls: undefined, setAside: [], diff: { added: 0, removed: 0 }, shrunk: [] };
  const distinct = [...new Map(lists.map((list) => [list.digest, list])).values()];
  verifyAll(distinct, reading, request);
  const crls = packAll(newestOfEachScope(reading.signed), reading, request);
  const { faults } = reading;
  const [first, ...others] = faults.map(({ error }) => error);
  if (request.faulty === 'fail' && first !== undefined) throw combineFaults([first, ...others]);
  const setAside = faults.map(({ origin, error }) => ({ origin, error: dataOf(error) }));
  const after = crls.map(({ entries }) => entries);
  return { hash, crls: crls.map(({ result }) => result), setAside, ...compareCrls(request.inForce, after) };
}

async function readInput(input: CrlInput): Promise<readonly SourceBytes[]> {
  if ('path' in input) {
    const { path, option, cas = [] } = input;
    const files = await readPath(path, option, crlBlocks);
    return dropOthers(files, ({ origin }) => isAmong(origin, cas, certificateBlocks), crlBlocks);
  }
  return [
    {
      bytes: Buffer.from(input.bytes.buffer, input.bytes.byteOffset, input.bytes.byteLength),
      origin: input.origin,
    },
  ];
}

interface Reading {
  readonly signed: SignedCrl[];
  readonly faults: { readonly origin: string; readonly error: MtlsError }[];
}

function readLists(source: SourceBytes, reading: Reading): CrlBytes[] {
  const { origin } = source;
  const lists: CrlBytes[] = [];
  attempt(reading, origin, () => {
    for (const der of readBlocks(source, crlBlocks)) lists.push({ der, origin, digest: digestOf(der) });
  });
  return lists;
}

function hashOf(lists: readonly CrlBytes[], { faults }: Reading): string {
  const found = [...lists.map(({ digest }) => digest), ...faults.map(({ error }) => error.message)];
  return digestOf(Buffer.from(found.join('\n')));
}

function verifyAll(lists: readonly CrlBytes[], reading: Reading, { cas, policy, at }: CrlRequest): void {
  const store = new CertificateStore(cas.map((der) => parseCertificate(Buffer.from(der))));
  for (const list of lists) {
    attempt(reading, list.origin, () => {
      const crl = readSignedCrl(list, store, policy);
      // Whether it has run out is asked of those that no newer one replaces.
      checkCrlDates(crl, { ...policy, stale: 'allow' }, new Date(at));
      reading.signed.push(crl);
    });
  }
}

function attempt({ faults }: Reading, origin: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    faults.push({ origin, error });
  }
}

interface Loaded {
  readonly result: PackedCrl | { readonly unchanged: string };
  readonly entries: ScopedEntries;
}

function packAll(crls: readonly SignedCrl[], reading: Reading, request: CrlRequest): Loaded[] {
  const loaded: Loaded[] = [];
  for (const crl of crls) {
    attempt(reading, crl.origin, () => {
      if (mustBeCurrent(crl, request)) checkCrlDates(crl, request.policy, new Date(request.at));
      loaded.push(packUnlessKnown(crl, request));
    });
  }
  return loaded;
}

/** Whether a CRL must not have expired. An expired one still revokes, so that it is never set aside for that. */
function mustBeCurrent({ crl, digest }: SignedCrl, { faulty, inForce }: CrlRequest): boolean {
  // A delta only adds to what its base revokes: while the base is current, the base decides.
  if (faulty !== 'fail' || crl.deltaBase !== undefined) return false;
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
