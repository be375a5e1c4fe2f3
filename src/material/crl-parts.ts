/**
 * The parts of the sources of CRLs: files, and the Buffers that loaders return. A Buffer whose CRLs are in force is
 * not read again.
 *
 * @module
 */
import { resolve } from 'node:path';
import { dropOthers } from './blocks.js';
import { type CrlInput, type CrlInputReport } from './crl-loading.js';
import { sizeOfInput } from './crl-thread.js';
import { type LoaderState } from './loader-state.js';
import { type CaSource, type CrlSource } from './source-options.js';
import { faultOf, type SourceFault } from './source-fault.js';
import { crlBlocks, isAmong, isLoader, isPath } from './sources.js';

/** A source of CRLs, and what it last held. */
export interface CrlSourceState {
  readonly source: CrlSource;
  readonly option: string;
  readonly loader: LoaderState | undefined;
  /** The digests of the CRLs in it when it was last read. */
  digests: ReadonlySet<string>;
  faults: readonly SourceFault[];
  /** Its file-system metadata when it was last read on the thread. */
  seen: string;
}

/** An input, and the source that it is from. */
export interface Part {
  readonly state: CrlSourceState;
  readonly input: CrlInput;
}

/** The parts to read, and the digests of the CRLs in those that are not read. */
export interface Reading {
  readonly parts: readonly Part[];
  readonly settled: ReadonlyMap<CrlSourceState, readonly string[]>;
}

/** The parts of a source. @param ca - The sources of CAs, which can be the same. */
export function partsOf(state: CrlSourceState, ca: readonly CaSource[]): Part[] {
  const { source, option, loader } = state;
  if (isPath(source)) {
    const cas = ca.filter(isPath).map((path) => resolve(path));
    return [{ state, input: { path: source, option, ...(cas.length === 0 ? {} : { cas }) } }];
  }
  if (isLoader(source)) {
    const answer = dropOthers(loader?.answer ?? [], () => isAmong(source, ca, crlBlocks), crlBlocks);
    return answer.map((input) => ({ state, input }));
  }
  return [{ state, input: { bytes: Buffer.from(source), origin: `options.${option}` } }];
}

/** The size of parts in bytes. */
export function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { input }) => sum + sizeOfInput(input), 0);
}

/** The sources of parts. */
export function statesOf(parts: readonly Part[]): CrlSourceState[] {
  return [...new Set(parts.map(({ state }) => state))];
}

/** What is in the Buffers of loaders that were read without a fault. */
export class KnownParts {
  readonly #known = new WeakMap<Uint8Array, { readonly cas: string; readonly digests: readonly string[] }>();

  /** Notes the result of a part. @param cas - The CAs that it was verified with. */
  note({ input }: Part, { digests, found, faults }: CrlInputReport, cas: string): void {
    if (!('bytes' in input)) return;
    if (faults.length === 0 && digests.length > 0 && digests.length === found.length)
      this.#known.set(input.bytes, { cas, digests });
    else this.#known.delete(input.bytes);
  }

  /**
   * Leaves out the Buffers whose CRLs were verified with the same CAs and are all in force.
   * @param parts - All parts of one source.
   */
  freshOf(state: CrlSourceState, parts: readonly Part[], cas: string, inForce: ReadonlySet<string>): Reading {
    const settledBy = (part: Part): readonly string[] | undefined => {
      const known = 'bytes' in part.input ? this.#known.get(part.input.bytes) : undefined;
      return known?.cas === cas && known.digests.every((digest) => inForce.has(digest))
        ? known.digests
        : undefined;
    };
    const fresh = parts.filter((part) => settledBy(part) === undefined);
    const settled = parts.flatMap((part) => settledBy(part) ?? []);
    const hasAll = [...state.digests].every((digest) => settled.includes(digest));
    // If something was removed and nothing came, the rest is read again, to compare it with what was removed, and to
    // find that a fault is fixed.
    if (fresh.length === 0 && (!hasAll || state.faults.length > 0)) return { parts, settled: new Map() };
    return { parts: fresh, settled: new Map([[state, settled]]) };
  }
}

/** The faults of a source. */
export function faultsOf({ loader, faults, digests }: CrlSourceState): readonly SourceFault[] {
  const all = loader?.fault === undefined ? faults : [...faults, faultOf(loader.origin, loader.fault)];
  const mayStart = loader?.mayBeFaulty === true && digests.size > 0;
  return mayStart ? all.map((fault) => ({ ...fault, mayStart })) : all;
}
