/**
 * A part of a long work, after which the event loop gets its turn.
 *
 * @module
 */

// How long the event loop may be held at a time, and how many connections may be closed: what node:tls does when one
// closes comes later, and all of it together.
const sliceMs = 1;
const sliceClosed = 8;

/** Counts what is done until it is time to rest. */
export class Slice {
  readonly #end = performance.now() + sliceMs;
  /** How many connections were closed. */
  closed: number = 0;

  /** Whether it is time. */
  get isOver(): boolean {
    return this.closed >= sliceClosed || performance.now() >= this.#end;
  }

  /** Lets the event loop turn, and begins another. */
  async next(): Promise<Slice> {
    await new Promise(setImmediate);
    // Sockets are freed one turn after they are closed.
    if (this.closed > 0) await new Promise(setImmediate);
    return new Slice();
  }
}
