/**
 * Judges connections by the CAs and CRLs in force, and ends those that fail.
 *
 * @module
 */
import { type Refusal } from '../judgement/refusal.js';
import { type KeptConnection } from './connection.js';
import { Slice } from './slice.js';

/** The result of judging all connections. */
export interface Evictions {
  /** How many connections were ended. */
  readonly ended: number;
  /** Until when all others are admitted if nothing is reloaded, in milliseconds since 1970. */
  readonly until: number;
}

/**
 * Judges each connection. It works in slices, so that the event loop is never blocked for long; a request that arrives
 * between slices is judged separately.
 * @param connections - Connections that are added meanwhile are not judged here: they were judged when they were added.
 * @param report - Called for each ended connection, once all of them are closed.
 */
export async function judgeConnections(
  connections: ReadonlySet<KeptConnection>,
  report: (connection: KeptConnection, refusal: Refusal) => void,
): Promise<Evictions> {
  let until = Infinity;
  let slice = new Slice();
  const condemned: { readonly connection: KeptConnection; readonly refusal: Refusal }[] = [];
  // Not a copy, which would take long for many connections. New connections are added at the end, and are not reached.
  let left = connections.size;
  for (const connection of connections) {
    if (left-- <= 0) break;
    const refusal = connection.check();
    if (refusal === undefined) until = Math.min(until, connection.until);
    // Stop reading from it now. Closing takes longer, so it follows once all connections are judged.
    else if (connection.condemn(refusal)) condemned.push({ connection, refusal });
    if (slice.isOver) slice = await slice.next();
  }
  for (const { connection } of condemned) {
    if (slice.isOver) slice = await slice.next();
    connection.end();
    slice.closed++;
  }
  // Reported only now, with all sockets closed, because a logger may block.
  slice = new Slice();
  for (const { connection, refusal } of condemned) {
    if (slice.isOver) slice = await slice.next();
    report(connection, refusal);
  }
  return { ended: condemned.length, until };
}
