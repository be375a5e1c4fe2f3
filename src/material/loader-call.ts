/**
 * Calls of a loader: never two at once, and none that takes longer than a minute.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { TimeLimitError, within } from '../within.js';

/** Repeats a call, and remembers whether the last one failed. */
export class LoaderCall {
  readonly #call: (signal: AbortSignal) => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #fault: MtlsError | undefined;

  /** @param call - Calls the loader and keeps its result. It rejects with an `MtlsError`. */
  constructor(call: (signal: AbortSignal) => Promise<void>) {
    this.#call = call;
  }

  /** The error of the last call; `undefined` once a call has succeeded again. */
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
    this.#running = this.#call(signal)
      .then(
        () => {
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

// A loader that never settles must not hold up later reloads.
const longestLoadMs = 60_000;

/**
 * Calls a function of the program's, with a signal that is aborted when the server closes, and after a minute.
 * @param origin - Its name in errors.
 * @param limitMs - Replaces the minute; for tests.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` if it rejects or takes too long.
 */
export async function callWithin<Result>(
  load: (signal: AbortSignal) => Promise<Result> | Result,
  origin: string,
  closing: AbortSignal,
  limitMs: number = longestLoadMs,
): Promise<Result> {
  try {
    return await within(limitMs, load, closing);
  } catch (cause) {
    if (cause instanceof TimeLimitError)
      throw new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', { source: origin, seen: cause.message }, { cause });
    const why = closing.aborted ? 'the server was closed' : messageOf(cause);
    const code = 'ERR_MTLS_SOURCE_UNREADABLE';
    // Parsers quote what they cannot parse.
    if (keyLike.test(why))
      throw new MtlsError(code, {
        source: origin,
        seen: 'it rejected, with a message that may contain a key',
      });
    throw new MtlsError(code, { source: origin, seen: `it rejected: ${why}` }, { cause });
  }
}

// Base64 of DER begins with M and a letter up to P, that of PEM with LS0t.
const keyLike = /-----|LS0t|M[A-P][A-Za-z0-9+/=]{30}/;

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
