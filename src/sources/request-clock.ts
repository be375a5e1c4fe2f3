/**
 * The time limits of one request.
 *
 * @module
 */

/** A request that failed. */
export class FetchFailure extends Error {
  /** How long the server asks clients to wait, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(seen: string, { retryAfterMs = 0, cause }: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(seen, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

// Within this time, the event loop turns at least once.
const blockedMs = 20;

/** Ends a request that takes too long, pauses for too long, or is no longer needed. */
export class RequestClock {
  readonly #abort = new AbortController();
  readonly #whole: NodeJS.Timeout;
  readonly #idle: NodeJS.Timeout;
  readonly #closing: AbortSignal;
  readonly #close = (): void => {
    this.#end('was no longer needed');
  };
  /** How many steps have ended. */
  #steps = 0;
  /** Why the request was ended. */
  late: string | undefined;

  constructor(wholeMs: number, idleMs: number, closing: AbortSignal) {
    this.#whole = setTimeout(() => {
      this.#end(`took longer than ${wholeMs} ms (option timeoutMs)`);
    }, wholeMs);
    this.#idle = setTimeout(() => {
      const steps = this.#steps;
      // If the event loop was blocked, what has arrived meanwhile is read in the next turn.
      setTimeout(() => {
        if (steps === this.#steps) this.#end(`paused for ${idleMs} ms (option idleMs)`);
      }, blockedMs).unref();
    }, idleMs);
    this.#closing = closing;
    closing.addEventListener('abort', this.#close);
    if (closing.aborted) this.#close();
  }

  /** Aborted when the request is ended. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Waits for the next step, and grants the next pause. A `fetch` that ignores its signal is abandoned. */
  async limit<Value>(step: Promise<Value>): Promise<Value> {
    const { signal } = this;
    const value = await new Promise<Value>((resolve, reject) => {
      const end = (): void => {
        reject(new FetchFailure(this.late ?? 'did not answer in time'));
      };
      if (signal.aborted) end();
      signal.addEventListener('abort', end, { once: true });
      step.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', end);
      });
    });
    this.#steps++;
    this.#idle.refresh();
    return value;
  }

  /** The request is over. */
  stop(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#idle);
    this.#closing.removeEventListener('abort', this.#close);
    // Frees the connection of a request that was not read to its end.
    this.#abort.abort();
  }

  #end(why: string): void {
    this.late ??= why;
    this.#abort.abort();
  }
}
