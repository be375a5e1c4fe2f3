/**
 * Waiting for several things that may each be at fault.
 *
 * @module
 */
import { combineFaults, MtlsError } from '../errors.js';

type Settled<Promises extends readonly Promise<unknown>[]> = {
  [Index in keyof Promises]: Awaited<Promises[Index]>;
};

/** Waits for all, and rejects with every fault at once, so that nobody mends one to meet the next. */
export async function allOrFaults<const Promises extends readonly Promise<unknown>[]>(
  promises: Promises,
): Promise<Settled<Promises>> {
  const results = await Promise.allSettled(promises);
  const faults: MtlsError[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    // A defect is not a fault of the sources.
    if (!(result.reason instanceof MtlsError)) throw result.reason;
    faults.push(result.reason);
  }
  const [first, ...others] = faults;
  if (first !== undefined) throw combineFaults([first, ...others]);
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as Settled<Promises>;
}
