/**
 * Splits long work into slices, between which the event loop turns.
 *
 * @module
 */
import { turn } from '../timers.js';

// The maximum duration of a slice, and the maximum number of connections that it closes. node:tls does its work for
// closed connections later, all at once.
const sliceMs = 1;
const sliceClosed = 8;

/** One slice of long work. */
export class Slice {
  readonly #end = performance.now() + sliceMs;
  /** How many connections this slice has closed. */
  closed: number = 0;

  /** Whether the slice should end. */
  get isOver(): boolean {
    return this.closed >= sliceClosed || performance.now() >= this.#end;
  }

  /** Lets the event loop turn, and begins the next slice. */
  async next(): Promise<Slice> {
    await turn();
    // Sockets are freed one turn after they are closed.
    if (this.closed > 0) await turn();
    return new Slice();
  }
}
