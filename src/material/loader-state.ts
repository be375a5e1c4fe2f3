/**
 * A source that is code, and what it gave last. Each loader runs by itself: one
 * that is slow or never settles holds up no other source.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type SourceLoader } from './source-options.js';
import { callLoader, type Loadable, type SourceBytes } from './sources.js';

/** Calls one loader, and keeps its answer. */
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

  /** How errors name it. */
  get origin(): string {
    return `options.${this.#loadable.option}.load()`;
  }

  /** What it gave when it last resolved. */
  get answer(): readonly SourceBytes[] | undefined {
    return this.#answer;
  }

  /** How often it has resolved. */
  get answers(): number {
    return this.#answers;
  }

  /** Why it last rejected; `undefined` once it has resolved again. */
  get fault(): MtlsError | undefined {
    return this.#fault;
  }

  /** Resolves when the calls under way have settled; `undefined` where there are none. */
  get pending(): Promise<void> | undefined {
    return this.#next ?? this.#running;
  }

  /** Calls the loader; where a call is under way, once more after it, for that one may have read what was there before. */
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
