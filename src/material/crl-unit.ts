/**
 * The CRLs of a server, by source. Each verified, newer CRL comes into force independently. A fault of one source
 * keeps the last-good copy of that source in force.
 *
 * @module
 */
import { errorOf, type MtlsError } from '../errors.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { type Trust } from '../judgement/judges.js';
import { type VerifiedCrl } from '../revocation/verified-crl.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { casKeyOf } from './ca-unit.js';
import { type ArrivedCrls, combineCrls, type CrlChange, entriesOf, waitingIn } from './crl-change.js';
import { CrlHooks } from './crl-hooks.js';
import { type CrlInputReport, type CrlRequest, loadCrls } from './crl-loading.js';
import {
  type CrlSourceState,
  faultsOf,
  KnownParts,
  type Part,
  partsOf,
  type Reading,
  sizeOf,
  statesOf,
} from './crl-parts.js';
import { inlineBytes, loadCrlsAside } from './crl-thread.js';
import { describeNow } from './file-watch.js';
import { LoaderState } from './loader-state.js';
import { type CaSource, type CrlSource } from './source-options.js';
import { attempt, faultOf, type SourceFault } from './source-fault.js';
import { crlBlocks, isDirectory, isLoader, isPath } from './sources.js';

/** How CRLs are loaded. */
export interface CrlUnitSettings {
  readonly crl: readonly CrlSource[];
  /** The sources of CAs. They can be the same. */
  readonly ca: readonly CaSource[];
  /** The prefix of the option name in errors: `''`, or `'sni["a.example"].'`. */
  readonly prefix: string;
  readonly policy: CompleteRevocationPolicy;
  /** Up to how many entries the bytes of a CRL are kept for OpenSSL. */
  readonly keepEntries: number;
}

/** The context that CRLs are loaded in. */
export interface CrlContext {
  /** The CAs that verify them, including CAs that are yet to be added. */
  readonly store: CertificateStore;
  readonly inForce: readonly VerifiedCrl[];
  readonly at: Date;
  readonly signal: AbortSignal;
}

/** CRLs that were loaded, and their sources. */
interface ArrivedParts extends ArrivedCrls, Reading {
  /** The CAs that verified them. */
  readonly cas: string;
}

/** Reads the sources of `crl`. */
export class CrlUnit {
  readonly #settings: CrlUnitSettings;
  readonly #sources: readonly CrlSourceState[];
  readonly hooks: CrlHooks;
  readonly #known = new KnownParts();
  /** CRLs that were read and are not yet part of a change. */
  #arrived: ArrivedParts[] = [];
  /** The rejected rollbacks of the last change. */
  #rollbacks: Pick<CrlChange, 'faults' | 'rejected'> = { faults: [], rejected: [] };
  /** The hashes of what was last read on this thread, to detect changes. */
  #hash: { readonly cas: string; readonly sources: string } | undefined;
  /** The CAs that the large CRLs were last verified with. */
  #asideCas = '';
  #aside: Promise<void> | undefined;

  constructor(settings: CrlUnitSettings) {
    this.#settings = settings;
    const { crl, prefix } = settings;
    this.#sources = crl.map((source, index) => {
      const option = crl.length === 1 ? `${prefix}crl` : `${prefix}crl[${index}]`;
      const loader = isLoader(source) ? new LoaderState(source, { option, ...crlBlocks }) : undefined;
      return { source, option, loader, digests: new Set(), faults: [], seen: '' };
    });
    const others = this.#sources.filter(({ loader }) => loader === undefined);
    this.hooks = new CrlHooks(this.loaders, (digest) => others.some(({ digests }) => digests.has(digest)));
  }

  /** The loaders among the sources. */
  get loaders(): readonly LoaderState[] {
    return this.#sources.flatMap(({ loader }) => loader ?? []);
  }

  /** Resolves when the large CRLs being loaded have arrived; `undefined` if there are none. */
  get aside(): Promise<void> | undefined {
    return this.#aside;
  }

  /** Whether a source is still being read. */
  get isPending(): boolean {
    return this.#aside !== undefined || this.loaders.some(({ pending }) => pending !== undefined);
  }

  /** Their faults. */
  get faults(): readonly SourceFault[] {
    const own = this.#sources.flatMap(faultsOf);
    return [...own, ...this.#rollbacks.faults];
  }

  /** The faults of the sources that can be found without CAs to verify the CRLs. */
  check(): readonly SourceFault[] {
    const missing = this.#sources.flatMap(({ source, option }) => {
      if (!isPath(source)) return [];
      return attempt(source, () => isDirectory(source, option)).fault ?? [];
    });
    return [...missing, ...this.faults];
  }

  /** Makes the next reading read faulty sources again: a CRL may have become valid since. */
  refresh(): void {
    if (this.faults.length === 0) return;
    this.#hash = undefined;
    // A large CRL without a fault is not read again: it would occupy the thread for a second.
    for (const state of this.#sources)
      if (state.faults.length > 0 || state.loader?.fault !== undefined || this.#isRejected(state))
        state.seen = '';
  }

  /** Reads small sources at once, and starts to load large ones. */
  read(context: CrlContext): void {
    const cas = casKeyOf(context.store.certificates);
    const inForce = new Set(context.inForce.map(({ digest }) => digest));
    const { short, long } = this.#split((state, parts) => this.#known.freshOf(state, parts, cas, inForce));
    if (short.parts.length > 0) {
      // What is not read again counts too: a source from which only that was removed has changed.
      const known = `${cas} ${[...short.settled.values()].flat().join(' ')}`;
      const hash = this.#hash?.cas === known ? this.#hash.sources : undefined;
      const response = loadCrls(this.#request(short, context, hash), context.store);
      this.#hash = { cas: known, sources: response.hash };
      this.#arrive({ ...short, response, known: context.inForce, cas });
    }
    if (long.parts.length > 0) this.#loadAside(long, context, cas);
  }

  /**
   * Computes the change from everything that was read since the last one.
   * @param store - The CAs that come into force with it. A CRL of another CA waits.
   */
  change(store: CertificateStore, before: RevocationChecker | undefined, at: Date): CrlChange {
    this.hooks.confirm(at.getTime());
    const change = combineCrls({
      confirmations: this.hooks.confirmations,
      arrived: this.#arrived,
      isGiven: (digest) => this.#sources.some(({ digests }) => digests.has(digest)),
      isComplete: !this.isPending,
      store,
      before,
      policy: this.#settings.policy,
      at,
    });
    if (!this.isPending) this.#rollbacks = change;
    return change;
  }

  /** What was read is in force. Sources of CRLs that wait for their CA, or were rejected, are read again later. */
  settle(store: CertificateStore): void {
    const waiting = this.#arrived.flatMap(({ response }) => waitingIn(store, response));
    this.#arrived = [];
    const isWaiting = ({ digests }: CrlSourceState): boolean => waiting.some((digest) => digests.has(digest));
    const again = this.#sources.filter((state) => isWaiting(state) || this.#isRejected(state));
    if (again.length > 0) this.#hash = undefined;
    for (const state of again) state.seen = '';
  }

  /** Whether a source holds a rejected CRL. For a removed one, only all sources together can tell what replaces it. */
  #isRejected({ digests }: CrlSourceState): boolean {
    return this.#rollbacks.rejected.some((digest) => digest === undefined || digests.has(digest));
  }

  /** Tells loaders what is in force. */
  tell({ store, revocation }: Trust): void {
    this.hooks.wantOf(store);
    // A large CRL that is being loaded may be in force already, under the same digest.
    if (this.#aside === undefined) this.hooks.tell(revocation);
  }

  /** Whether the large CRLs were verified with these CAs. */
  isVerifiedBy(store: CertificateStore): boolean {
    const { long } = this.#split((_, parts) => ({ parts, settled: new Map() }));
    return long.parts.length === 0 || this.#asideCas === casKeyOf(store.certificates);
  }

  /**
   * Small sources are read on this thread: some milliseconds of work in total.
   * @param select - Selects what to read of a source.
   */
  #split(
    select: (state: CrlSourceState, parts: readonly Part[]) => Reading,
  ): Record<'short' | 'long', Reading> {
    const sized = this.#sources
      .map((state) => {
        const reading = select(state, partsOf(state, this.#settings.ca));
        return { reading, size: sizeOf(reading.parts) };
      })
      .filter(({ reading }) => reading.parts.length > 0);
    let total = 0;
    const short = new Set(
      sized
        .toSorted((one, other) => one.size - other.size)
        .filter(({ size }) => (total += size) <= inlineBytes),
    );
    const join = (isShort: boolean): Reading => {
      const readings = sized.filter((one) => short.has(one) === isShort).map(({ reading }) => reading);
      return {
        parts: readings.flatMap(({ parts }) => parts),
        settled: new Map(readings.flatMap(({ settled }) => [...settled])),
      };
    };
    return { short: join(true), long: join(false) };
  }

  #request({ parts, settled }: Reading, context: CrlContext, hash: string | undefined): CrlRequest {
    const { policy, keepEntries } = this.#settings;
    const read = statesOf(parts);
    const others = this.#sources.filter((state) => !read.includes(state));
    return {
      inputs: parts.map(({ input }) => input),
      cas: context.store.certificates.map(({ raw }) => raw),
      policy,
      at: context.at.getTime(),
      purpose: 'server',
      keepEntries,
      hash,
      inForce: context.inForce.map(entriesOf),
      staying: [
        ...others.flatMap(({ digests }) => [...digests]),
        ...read.flatMap((state) => settled.get(state) ?? []),
      ],
    };
  }

  #loadAside({ parts, settled }: Reading, context: CrlContext, cas: string): void {
    // Changes made meanwhile are found by the next reading.
    if (this.#aside !== undefined) return;
    const now = new Map(parts.map(({ state }) => [state, this.#fingerprintOf(state)]));
    const changed = parts.filter(({ state }) => cas !== this.#asideCas || now.get(state) !== state.seen);
    if (changed.length === 0) return;
    this.#asideCas = cas;
    for (const { state } of changed) state.seen = now.get(state) ?? '';
    const reading = { parts: changed, settled };
    this.#aside = loadCrlsAside(this.#request(reading, context, undefined), context.signal)
      .then(
        (response) => {
          this.#arrive({ ...reading, response, known: context.inForce, cas });
        },
        (error: unknown) => {
          for (const { state } of changed)
            state.faults = [faultOf(`options.${state.option}`, error as MtlsError)];
        },
      )
      .finally(() => {
        this.#aside = undefined;
      });
  }

  #arrive(arrived: ArrivedParts): void {
    const { response, parts, settled, cas } = arrived;
    const inputs = parts.map(({ input }) => input);
    this.hooks.found(inputs, response.inputs);
    if (response.crls === undefined) return;
    for (const [index, part] of parts.entries())
      this.#known.note(part, response.inputs[index] as CrlInputReport, cas);
    const states = statesOf(parts);
    // A later reading of the same sources replaces an earlier one.
    const isOutdated = (one: ArrivedParts): boolean =>
      statesOf(one.parts).every((state) => states.includes(state));
    this.#arrived = [...this.#arrived.filter((one) => !isOutdated(one)), arrived];
    for (const state of states) {
      const reports = response.inputs.filter((_, index) => parts[index]?.state === state);
      const faults = reports.flatMap((report) => report.faults);
      // A source with a fault keeps its previous CRLs.
      const before = faults.length === 0 ? [] : state.digests;
      const stay = settled.get(state) ?? [];
      state.digests = new Set([...reports.flatMap(({ digests }) => digests), ...stay, ...before]);
      state.faults = faults.map(({ origin, error }) => faultOf(origin, errorOf(error)));
    }
  }

  #fingerprintOf(state: CrlSourceState): string {
    if (state.loader !== undefined) return `answer ${state.loader.versions}`;
    return isPath(state.source) ? describeNow(state.source) : 'memory';
  }
}
