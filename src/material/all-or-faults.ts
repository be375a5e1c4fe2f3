/**
 * Waits for several operations that can each fail.
 *
 * @module
 */
import { combineFaults, MtlsError } from '../errors.js';

type Settled<Promises extends readonly Promise<unknown>[]> = {
  [Index in keyof Promises]: Awaited<Promises[Index]>;
};

/** Waits for all operations and reports all faults together. */
export async function allOrFaults<const Promises extends readonly Promise<unknown>[]>(
  promises: Promises,
): Promise<Settled<Promises>> {
  const results = await Promise.allSettled(promises);
  const faults: MtlsError[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    // Any other error is a defect, not a fault of a source.
    if (!(result.reason instanceof MtlsError)) throw result.reason;
    faults.push(result.reason);
  }
  const [first, ...others] = faults;
  if (first !== undefined) throw combineFaults([first, ...others]);
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as Settled<Promises>;
}
