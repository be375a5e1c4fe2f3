/**
 * Operations that wait for each other.
 *
 * @module
 */

/** Runs operations one at a time, in the order of the calls. A failure does not affect the next one. */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
