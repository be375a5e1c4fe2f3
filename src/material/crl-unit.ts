/**
 * The CRLs of a server, by source. Each verified, newer CRL comes into force independently. A fault of one source
 * keeps the last-good copy of that source in force.
 *
 * @module
 */
import { resolve } from 'node:path';
import { errorOf, type MtlsError } from '../errors.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { type Trust } from '../judgement/judges.js';
import { type VerifiedCrl } from '../revocation/verified-crl.js';
import { type CertificateStore } from '../x509/certificate-store.js';
import { dropOthers } from './blocks.js';
import { casKeyOf } from './ca-unit.js';
import { type ArrivedCrls, combineCrls, type CrlChange, entriesOf, signerIn } from './crl-change.js';
import { CrlHooks } from './crl-hooks.js';
import { type CrlInput, type CrlRequest, loadCrls } from './crl-loading.js';
import { inlineBytes, loadCrlsAside, sizeOfInput } from './crl-thread.js';
import { describeNow } from './file-watch.js';
import { LoaderState } from './loader-state.js';
import { type CaSource, type CrlSource } from './source-options.js';
import { attempt, faultOf, type SourceFault } from './source-fault.js';
import { crlBlocks, isAmong, isDirectory, isLoader, isPath } from './sources.js';

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

interface CrlSourceState {
  readonly source: CrlSource;
  readonly option: string;
  readonly loader: LoaderState | undefined;
  /** The digests of the CRLs in it when it was last read. */
  digests: ReadonlySet<string>;
  faults: readonly SourceFault[];
  /** Its file-system metadata when it was last read on the thread. */
  seen: string;
}

interface Part {
  readonly state: CrlSourceState;
  readonly input: CrlInput;
}

type ArrivedParts = ArrivedCrls & { readonly parts: readonly Part[] };

/** Reads the sources of `crl`. */
export class CrlUnit {
  readonly #settings: CrlUnitSettings;
  readonly #sources: readonly CrlSourceState[];
  readonly hooks: CrlHooks;
  /** CRLs that were read and are not yet part of a change. */
  #arrived: ArrivedParts[] = [];
  #rollbacks: readonly SourceFault[] = [];
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
    return [...own, ...this.#rollbacks];
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
      if (state.faults.length > 0 || state.loader?.fault !== undefined || this.#rollbacks.length > 0)
        state.seen = '';
  }

  /** Reads small sources at once, and starts to load large ones. */
  read(context: CrlContext): void {
    const { short, long } = this.#split();
    if (short.length > 0) {
      const cas = casKeyOf(context.store.certificates);
      const hash = this.#hash?.cas === cas ? this.#hash.sources : undefined;
      const response = loadCrls(this.#request(short, context, hash));
      this.#hash = { cas, sources: response.hash };
      this.#arrive({ response, parts: short, known: context.inForce });
    }
    if (long.length > 0) this.#loadAside(long, context);
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
    if (!this.isPending) this.#rollbacks = change.faults;
    return change;
  }

  /** What was read is in force. CRLs that wait for their CA are read again later. */
  settle(store: CertificateStore): void {
    const isWaiting = ({ response: { crls = [] } }: ArrivedParts): boolean =>
      crls.some((crl) => !('unchanged' in crl) && signerIn(store, crl) === undefined);
    if (this.#rollbacks.length > 0 || this.#arrived.some(isWaiting)) this.#readAgain();
    this.#arrived = [];
  }

  /** Tells loaders what is in force. */
  tell({ store, revocation }: Trust): void {
    this.hooks.wantOf(store);
    // A large CRL that is being loaded may be in force already, under the same digest.
    if (this.#aside === undefined) this.hooks.tell(revocation);
  }

  /** Whether the large CRLs were verified with these CAs. */
  isVerifiedBy(store: CertificateStore): boolean {
    return this.#split().long.length === 0 || this.#asideCas === casKeyOf(store.certificates);
  }

  #readAgain(): void {
    this.#hash = undefined;
    for (const state of this.#sources) state.seen = '';
  }

  /** Small sources are read on this thread: some milliseconds of work in total. */
  #split(): { short: Part[]; long: Part[] } {
    const sized = this.#sources
      .map((state) => ({ state, parts: this.#partsOf(state), size: sizeOf(this.#partsOf(state)) }))
      .filter(({ parts }) => parts.length > 0);
    let total = 0;
    const short = new Set(
      sized
        .toSorted((one, other) => one.size - other.size)
        .filter(({ size }) => (total += size) <= inlineBytes)
        .map(({ state }) => state),
    );
    const all = sized.flatMap(({ parts }) => parts);
    return {
      short: all.filter(({ state }) => short.has(state)),
      long: all.filter(({ state }) => !short.has(state)),
    };
  }

  #partsOf(state: CrlSourceState): Part[] {
    const { source, option, loader } = state;
    const { ca } = this.#settings;
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

  #request(parts: readonly Part[], context: CrlContext, hash: string | undefined): CrlRequest {
    const { policy, keepEntries } = this.#settings;
    const read = new Set(parts.map(({ state }) => state));
    const others = this.#sources.filter((state) => !read.has(state));
    return {
      inputs: parts.map(({ input }) => input),
      cas: context.store.certificates.map(({ raw }) => raw),
      policy,
      at: context.at.getTime(),
      purpose: 'server',
      keepEntries,
      hash,
      inForce: context.inForce.map(entriesOf),
      staying: others.flatMap(({ digests }) => [...digests]),
    };
  }

  #loadAside(parts: readonly Part[], context: CrlContext): void {
    // Changes made meanwhile are found by the next reading.
    if (this.#aside !== undefined) return;
    const cas = casKeyOf(context.store.certificates);
    const now = new Map(parts.map(({ state }) => [state, this.#fingerprintOf(state)]));
    const changed = parts.filter(({ state }) => cas !== this.#asideCas || now.get(state) !== state.seen);
    if (changed.length === 0) return;
    this.#asideCas = cas;
    for (const { state } of changed) state.seen = now.get(state) ?? '';
    this.#aside = loadCrlsAside(this.#request(changed, context, undefined), context.signal)
      .then(
        (response) => {
          this.#arrive({ response, parts: changed, known: context.inForce });
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
    const { response, parts } = arrived;
    const inputs = parts.map(({ input }) => input);
    this.hooks.found(inputs, response.inputs);
    if (response.crls === undefined) return;
    const states = statesOf(arrived);
    // A later reading of the same sources replaces an earlier one.
    const isOutdated = (one: ArrivedParts): boolean => statesOf(one).every((state) => states.includes(state));
    this.#arrived = [...this.#arrived.filter((one) => !isOutdated(one)), arrived];
    for (const state of states) {
      const reports = response.inputs.filter((_, index) => parts[index]?.state === state);
      const faults = reports.flatMap((report) => report.faults);
      // A source with a fault keeps its previous CRLs.
      const before = faults.length === 0 ? [] : state.digests;
      state.digests = new Set([...reports.flatMap(({ digests }) => digests), ...before]);
      state.faults = faults.map(({ origin, error }) => faultOf(origin, errorOf(error)));
    }
  }

  #fingerprintOf(state: CrlSourceState): string {
    if (state.loader !== undefined) return `answer ${state.loader.versions}`;
    return isPath(state.source) ? describeNow(state.source) : 'memory';
  }
}

function faultsOf({ loader, faults, digests }: CrlSourceState): readonly SourceFault[] {
  const all = loader?.fault === undefined ? faults : [...faults, faultOf(loader.origin, loader.fault)];
  const mayStart = loader?.mayBeFaulty === true && digests.size > 0;
  return mayStart ? all.map((fault) => ({ ...fault, mayStart })) : all;
}

function statesOf({ parts }: ArrivedParts): CrlSourceState[] {
  return [...new Set(parts.map(({ state }) => state))];
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { input }) => sum + sizeOfInput(input), 0);
}
