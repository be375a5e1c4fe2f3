/**
 * A loader and its last result. Loaders run independently: one that is slow or never settles does not hold up others.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type SourceLoader } from './source-options.js';
import { callLoader, type Loadable, type SourceBytes } from './sources.js';

/** Calls one loader and keeps its result. */
export class LoaderState {
  readonly #loader: SourceLoader;
  readonly #loadable: Loadable;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #answer: readonly SourceBytes[] | undefined;
  #answers = 0;
  #fault: MtlsError | undefined;

  constructor(loader: SourceLoader, loadable: Loadable) {
    this.#loader = loader;
    this.#loadable = loadable;
  }

  /** The name of the loader in errors. */
  get origin(): string {
    return `options.${this.#loadable.option}.load()`;
  }

  /** The result when the loader last resolved. */
  get answer(): readonly SourceBytes[] | undefined {
    return this.#answer;
  }

  /** How often the loader has resolved. */
  get answers(): number {
    return this.#answers;
  }

  /** The last rejection; `undefined` once the loader has resolved again. */
  get fault(): MtlsError | undefined {
    return this.#fault;
  }

  /** Resolves when the calls in progress have settled; `undefined` if there are none. */
  get pending(): Promise<void> | undefined {
    return this.#next ?? this.#running;
  }

  /**
   * Calls the loader. If a call is in progress, calls it again afterwards, because that call may return an earlier
   * state.
   */
  refresh(signal: AbortSignal): void {
    if (this.#running === undefined) this.#start(signal);
    else
      this.#next ??= this.#running.then(async () => {
        this.#next = undefined;
        this.#start(signal);
        await this.#running;
      });
  }

  #start(signal: AbortSignal): void {
    this.#running = callLoader(this.#loader, this.#loadable, signal)
      .then(
        (answer) => {
          this.#answer = answer;
          this.#answers++;
          this.#fault = undefined;
        },
        (error: unknown) => {
          this.#fault = error as MtlsError;
        },
      )
      .finally(() => {
        this.#running = undefined;
      });
  }
}
