/**
 * A loader and its last result. Loaders run independently: one that is slow or never settles does not hold up others.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { LoaderCall } from './loader-call.js';
import { faultOf, type SourceFault } from './source-fault.js';
import { type CrlInForce, type SourceLoader } from './source-options.js';
import { callLoader, copyLoaded, type Loadable, type SourceBytes } from './sources.js';

/** The methods of a loader besides `load()`. */
type Hook = 'want' | 'inForce' | 'faults' | 'confirmedAt';

/** The most URIs in one call of `want()`. */
const mostWanted = 64;

/** Calls one loader and keeps its result. */
export class LoaderState {
  readonly #loader: SourceLoader;
  readonly #loadable: Loadable;
  readonly #call: LoaderCall;
  /** What the loader returned, and the copies of it. */
  #given: readonly Uint8Array[] = [];
  #answer: readonly SourceBytes[] | undefined;
  #answers = 0;
  #answeredAt: number | undefined;
  #versions = 0;
  readonly #hookFaults = new Map<Hook, SourceFault>();
  #reported: readonly SourceFault[] = [];
  /** What `inForce()` was last called about. */
  #told: { readonly answers: number; readonly revocation: RevocationChecker } | undefined;
  /** Called when a fault of a hook appears or disappears. */
  onHookFault: () => void = () => undefined;

  constructor(loader: SourceLoader, loadable: Loadable) {
    this.#loader = loader;
    this.#loadable = loadable;
    this.#call = new LoaderCall(async (signal) => {
      this.#take(await callLoader(loader, loadable, signal));
    });
  }

  /** The name of the loader in errors. */
  get origin(): string {
    return `options.${this.#loadable.option}.load()`;
  }

  /** The result when the loader last resolved. What did not change is the same object as in the previous result. */
  get answer(): readonly SourceBytes[] | undefined {
    return this.#answer;
  }

  /** How often the result has changed. */
  get versions(): number {
    return this.#versions;
  }

  /** The last rejection; `undefined` once the loader has resolved again. */
  get fault(): MtlsError | undefined {
    return this.#call.fault;
  }

  /** The errors that the loader reported or that its other methods threw. They do not affect the result. */
  get hookFaults(): readonly SourceFault[] {
    return [...this.#hookFaults.values(), ...this.#reported];
  }

  /** Resolves when the calls in progress have settled; `undefined` if there are none. */
  get pending(): Promise<void> | undefined {
    return this.#call.pending;
  }

  /** Whether the server may start although a part of the result cannot be used. */
  get mayBeFaulty(): boolean {
    return this.#loader.mayBeFaulty === true;
  }

  /**
   * When the source last confirmed a part of the result, in milliseconds since 1970.
   * @param at - The present: when a new result arrived.
   */
  confirmedAt(index: number, at: number): number {
    const given = this.#given[index] as Buffer;
    this.#answeredAt ??= at;
    if (typeof this.#loader.confirmedAt !== 'function') return this.#answeredAt;
    let time: number | undefined;
    this.#callHook('confirmedAt', () => {
      time = this.#loader.confirmedAt?.(given)?.getTime();
    });
    // An invalid date and an error confirm nothing.
    return time === undefined || Number.isNaN(time) ? -Infinity : time;
  }

  /** Whether the loader can be told which distribution points are wanted. */
  get canWant(): boolean {
    return typeof this.#loader.want === 'function';
  }

  /**
   * Calls the loader. If a call is in progress, calls it again afterwards, because that call may return an earlier
   * state.
   */
  refresh(signal: AbortSignal): void {
    this.#call.refresh(signal);
  }

  /** Tells the loader which distribution points are wanted. */
  want(uris: readonly string[]): void {
    for (let first = 0; first < uris.length; first += mostWanted)
      this.#callHook('want', () => this.#loader.want?.(uris.slice(first, first + mostWanted)));
  }

  /**
   * Tells the loader which of its Buffers are in force, once for each result and each checker.
   * @param found - The digests of the CRLs in the copy of a Buffer.
   */
  tell(revocation: RevocationChecker, found: WeakMap<Uint8Array, readonly string[]>): void {
    const answers = this.#answers;
    const isTold = this.#told?.answers === answers && this.#told.revocation === revocation;
    if (isTold || this.#answer === undefined || typeof this.#loader.inForce !== 'function') return;
    this.#told = { answers, revocation };
    const inForce = new Map(revocation.crls.map((one) => [one.digest, one]));
    const digestsOf = (index: number): readonly string[] =>
      found.get(this.#answer?.[index]?.bytes as Uint8Array) ?? [];
    const indexes = this.#given.flatMap((_, index) => {
      const digests = digestsOf(index);
      return digests.length > 0 && digests.every((digest) => inForce.has(digest)) ? index : [];
    });
    const given = indexes.map((index) => this.#given[index] as Buffer);
    const digests = new Set(indexes.flatMap(digestsOf));
    const crls = [...digests].flatMap((digest): CrlInForce[] => {
      const { crl } = inForce.get(digest) ?? {};
      if (crl === undefined) return [];
      const { issuer, number: crlNumber, deltaBase, thisUpdate, nextUpdate } = crl;
      return [Object.freeze({ issuer: issuer.toString(), crlNumber, deltaBase, thisUpdate, nextUpdate })];
    });
    this.#callHook('inForce', () => this.#loader.inForce?.(given, crls));
  }

  #take(loaded: readonly Uint8Array[]): void {
    const { option, noun } = this.#loadable;
    if (loaded.length === 0 && this.#given.length > 0)
      throw new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
        source: this.origin,
        seen: `it returned no ${noun}, although it returned ${this.#given.length} before, which stay in force`,
        remedy: `publish the ${noun} again`,
      });
    this.#answers++;
    this.#answeredAt = undefined;
    this.#askFaults();
    const before = this.#given;
    const isSame = loaded.length === before.length && loaded.every((bytes, index) => bytes === before[index]);
    if (isSame && this.#answer !== undefined) return;
    const known = new Map(before.map((bytes, index) => [bytes, this.#answer?.[index]]));
    this.#answer = loaded.flatMap((bytes) => known.get(bytes) ?? copyLoaded([bytes], option));
    this.#given = loaded;
    this.#versions++;
  }

  #askFaults(): void {
    this.#callHook('faults', () => {
      const reported = this.#loader.faults?.() ?? [];
      this.#reported = reported.map((error) => faultOf(this.origin, asFault(this.origin, error)));
    });
  }

  /** A hook that throws or rejects is a fault of the source, until it is called without an error. */
  #callHook(hook: Hook, call: () => unknown): void {
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      this.#hookFailed(hook, error);
      return;
    }
    if (!(result instanceof Promise)) {
      this.#hookWorked(hook);
      return;
    }
    result.then(
      () => {
        this.#hookWorked(hook);
      },
      (error: unknown) => {
        this.#hookFailed(hook, error);
      },
    );
  }

  #hookWorked(hook: Hook): void {
    if (this.#hookFaults.delete(hook)) this.onHookFault();
  }

  #hookFailed(hook: Hook, cause: unknown): void {
    const source = `options.${this.#loadable.option}.${hook}()`;
    this.#hookFaults.set(hook, faultOf(source, asFault(source, cause)));
    this.onHookFault();
  }
}

function asFault(source: string, cause: unknown): MtlsError {
  if (cause instanceof MtlsError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', { source, seen: `it failed: ${why}` }, { cause });
}
