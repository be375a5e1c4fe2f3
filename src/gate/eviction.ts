/**
 * Judges connections by what is in force, and ends those that fail.
 *
 * @module
 */
import { type Refusal } from '../judgement/refusal.js';
import { type KeptConnection } from './connection.js';
import { Slice } from './slice.js';

/** What came of it. */
export interface Evictions {
  /** How many were ended. */
  readonly ended: number;
  /** Until when the others are admitted, if nothing is reloaded: the earliest date. */
  readonly until: number;
}

/**
 * Judges each connection. In slices, so that the event loop is never held long; a request that comes in between is
 * judged on its own.
 * @param connections - Those that come meanwhile were judged by themselves.
 * @param report - Called for each that was ended, once all of them are.
 */
export async function judgeConnections(
  connections: ReadonlySet<KeptConnection>,
  report: (connection: KeptConnection, refusal: Refusal) => void,
): Promise<Evictions> {
  let until = Infinity;
  let slice = new Slice();
  const condemned: { readonly connection: KeptConnection; readonly refusal: Refusal }[] = [];
  // Not a copy, which would take its time with many. Those that come meanwhile stand at the end.
  let left = connections.size;
  for (const connection of connections) {
    if (left-- <= 0) break;
    const refusal = connection.check();
    if (refusal === undefined) until = Math.min(until, connection.until);
    // Nothing of it is read any more. To close it takes longer, and comes when all are judged.
    else if (connection.condemn(refusal)) condemned.push({ connection, refusal });
    if (slice.isOver) slice = await slice.next();
  }
  for (const { connection } of condemned) {
    if (slice.isOver) slice = await slice.next();
    connection.end();
    slice.closed++;
  }
  // A logger may block: all sockets are closed by now.
  slice = new Slice();
  for (const { connection, refusal } of condemned) {
    if (slice.isOver) slice = await slice.next();
    report(connection, refusal);
  }
  return { ended: condemned.length, until };
}
