/**
 * Work with a limit of time.
 *
 * `AbortSignal.any([closing, AbortSignal.timeout(ms)])` would be shorter, and may never be aborted: Node 20 collects
 * the timeout as garbage while its composite is still waited for (nodejs/node#57736), and Node 24 and 26 have lost the
 * abort of other sources (nodejs/node#65995).
 *
 * @module
 */
import { startTimeout, stopTimeout } from './timers.js';

/** Work that has not settled within its limit. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';

  constructor(limitMs: number) {
    super(`there was no answer within ${limitMs / 1000} s`);
  }
}

/**
 * Settles with the work, or rejects when its time is over or `closing` is aborted, even if the work ignores its signal.
 * The process does not stay for it.
 * @param limitMs - The limit, in milliseconds.
 * @param work - The work; the signal is aborted with the reason of the rejection.
 * @param closing - Ends it earlier.
 * @throws TimeLimitError When the time is over; otherwise the reason of `closing`, or what the work throws.
 */
export async function within<Result>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Result> | Result,
  closing?: AbortSignal,
): Promise<Result> {
  closing?.throwIfAborted();
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let close = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (reason: Error): void => {
      reject(reason);
      controller.abort(reason);
    };
    timer = startTimeout(() => {
      end(new TimeLimitError(limitMs));
    }, limitMs).unref();
    close = () => {
      end(closing?.reason as Error);
    };
    closing?.addEventListener('abort', close, { once: true });
  });
  try {
    return await Promise.race([ended, work(controller.signal)]);
  } finally {
    stopTimeout(timer);
    closing?.removeEventListener('abort', close);
  }
}
