/**
 * The CAs of a server, by source. A removed CA takes effect at once; an added CA waits until every source can be
 * read.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type CertificateStore } from '../x509/certificate-store.js';
import { type Certificate } from '../x509/certificate.js';
import { readCas, readCaSource, storeOf, type StoreOptions } from './authorities.js';
import { LoaderState } from './loader-state.js';
import { listSome } from '../shortened-list.js';
import { type CaPolicy } from './settings.js';
import { type CaSource, type CrlSource } from './source-options.js';
import { type Attempt, attempt, type SourceFault } from './source-fault.js';
import { caBlocks, isLoader, isPath, type SourceBytes } from './sources.js';

/** What the sources of `ca` currently hold. */
export interface CaReading {
  /** All CAs; `undefined` if a source has a fault or is still being read, or if the CAs as a whole are invalid. */
  readonly whole: CertificateStore | undefined;
  /** The CAs in force that are still configured; `undefined` if none are in force. */
  readonly narrowed: CertificateStore | undefined;
  /**
   * `narrowed`, plus the old certificates of CAs that `whole` renews: their clients are admitted until it is in
   * force.
   */
  readonly renewing: CertificateStore | undefined;
  readonly faults: readonly SourceFault[];
}

interface CaSourceState {
  readonly source: CaSource;
  readonly option: string;
  readonly loader: LoaderState | undefined;
  /** What the source held when it was last read without a fault. */
  last: readonly Certificate[];
  /** The bytes of that. */
  files: readonly SourceBytes[];
}

/** Reads the sources of `ca`. */
export class CaUnit {
  readonly #sources: readonly CaSourceState[];
  readonly #givenOrigin: string;
  readonly #crl: readonly CrlSource[];
  readonly #policy: CaPolicy;

  /**
   * @param prefix - The prefix of the option name in errors: `''`, or `'sni["a.example"].'`.
   * @param crl - The sources of CRLs. They can be the same.
   */
  constructor(sources: readonly CaSource[], prefix: string, crl: readonly CrlSource[], policy: CaPolicy) {
    this.#givenOrigin = `options.${prefix}credentials.load()`;
    this.#crl = crl;
    this.#policy = policy;
    this.#sources = sources.map((source, index) => {
      const option = sources.length === 1 ? `${prefix}ca` : `${prefix}ca[${index}]`;
      const loader = isLoader(source) ? new LoaderState(source, { option, ...caBlocks }) : undefined;
      return { source, option, loader, last: [], files: [] };
    });
  }

  /** The loaders among the sources. */
  get loaders(): readonly LoaderState[] {
    return this.#sources.flatMap(({ loader }) => loader ?? []);
  }

  /**
   * Reads every source.
   * @param given - More CAs: those that came with the credentials.
   * @param inForce - The CAs in force.
   */
  read(given: readonly Certificate[], inForce: CertificateStore | undefined, at: Date): CaReading {
    const faults: SourceFault[] = [];
    const origins: string[] = [];
    let isWhole = true;
    for (const state of this.#sources) {
      const { result, fault } = attempt(nameOf(state), () => this.#readOne(state, origins));
      if (result !== undefined) state.last = result;
      else isWhole = false;
      if (fault !== undefined) faults.push(fault);
      if (state.loader?.pending !== undefined) isWhole = false;
    }
    const all = [...this.#sources.flatMap(({ last }) => last), ...given];
    // The fault is that of the credentials.
    if (this.#sources.length === 0 && given.length === 0) isWhole = false;
    else if (given.length > 0) origins.push(this.#givenOrigin);
    const place = {
      origins: listSome(origins, ', '),
      at,
      partialChain: this.#policy.partialChain,
      announceCas: this.#policy.announceCas,
    };
    const whole: Attempt<CertificateStore> | undefined = isWhole
      ? attempt(place.origins, () => reuse(inForce, all) ?? storeOf(all, { ...place, predecessor: inForce }))
      : undefined;
    if (whole?.fault !== undefined) faults.push(whole.fault);
    const there = new Set(all.map(keyOf));
    const isThere = (ca: Certificate): boolean => there.has(keyOf(ca));
    const isRenewed = (ca: Certificate): boolean =>
      whole?.result !== undefined && whole.result.ofKey(ca).length > 0;
    return {
      whole: whole?.result,
      narrowed: inForce && narrow(inForce, isThere, place),
      renewing: inForce && narrow(inForce, (ca) => isThere(ca) || isRenewed(ca), place),
      faults,
    };
  }

  #readOne(state: CaSourceState, origins: string[]): readonly Certificate[] | undefined {
    const { source, option, loader } = state;
    const { answer, fault } = loader ?? {};
    if (fault !== undefined) throw fault;
    if (loader !== undefined && answer === undefined) return undefined;
    const files: readonly SourceBytes[] = readCaSource(source, { option, answer, crl: this.#crl });
    origins.push(...files.map(({ origin }) => origin));
    // A CRL can come every minute, and there can be hundreds of CAs.
    if (areSameFiles(files, state.files)) return state.last;
    const certificates = files.flatMap(readCas);
    state.files = files;
    return certificates;
  }
}

function areSameFiles(files: readonly SourceBytes[], others: readonly SourceBytes[]): boolean {
  return (
    files.length === others.length &&
    files.every(({ bytes, origin }, index) => {
      const other = others[index] as SourceBytes;
      return origin === other.origin && bytes.equals(other.bytes);
    })
  );
}

/** The CAs in force that stay, or all of them if no client could be trusted by the rest. */
function narrow(
  inForce: CertificateStore,
  stays: (ca: Certificate) => boolean,
  place: StoreOptions,
): CertificateStore {
  const left = inForce.certificates.filter(stays);
  if (left.length === inForce.certificates.length) return inForce;
  // Without its root, a CA would become a trust anchor of a partial chain, and escape the CRL of the root.
  return attempt('', () => storeOf(left, { ...place, before: inForce })).result ?? inForce;
}

/** The same CAs keep their store, which caches verified paths. */
function reuse(
  store: CertificateStore | undefined,
  certificates: readonly Certificate[],
): CertificateStore | undefined {
  return store?.isNarrowed === false && casKeyOf(store.certificates) === casKeyOf(certificates)
    ? store
    : undefined;
}

const casKeys = new WeakMap<readonly Certificate[], string>();

/** A text that is equal for two lists if they hold the same certificates. The lists must not be modified. */
export function casKeyOf(certificates: readonly Certificate[]): string {
  const known = casKeys.get(certificates);
  if (known !== undefined) return known;
  const keys = [...new Set(certificates.map(keyOf))].sort();
  const key = createHash('sha256').update(keys.join(' ')).digest('hex');
  casKeys.set(certificates, key);
  return key;
}

function keyOf({ raw }: Certificate): string {
  return raw.toString('base64');
}

function nameOf({ source, option, loader }: CaSourceState): string {
  return isPath(source) ? source : (loader?.origin ?? `options.${option}`);
}
