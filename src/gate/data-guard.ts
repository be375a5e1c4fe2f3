/**
 * Judges a client at each chunk of data that is not a new request.
 *
 * @module
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { type Refusal, refusalError } from '../judgement/refusal.js';
import { type Connection } from './connection.js';

/** Decides whether an event may reach its listeners. If not, it also answers or closes the request or socket. */
export type Pass = (...args: never[]) => boolean;

/** Lets only the events reach listeners that pass. */
export function guardEvents(emitter: EventEmitter, passes: ReadonlyMap<string | symbol, Pass>): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    const passOf = passes.get(name) as ((...given: unknown[]) => boolean) | undefined;
    return passOf === undefined || passOf(...args) ? emit(name, ...args) : true;
  };
}

/** Judges the client at each chunk of data that is not a new request: the rest of a body, or data after an upgrade. */
export function guardData(
  data: Readable,
  connection: Connection,
  onRefused: (refusal: Refusal) => void = ignore,
): void {
  const passData = (): boolean => {
    const refusal = connection.check();
    if (refusal === undefined) return true;
    connection.evict(refusal);
    onRefused(refusal);
    return false;
  };
  guardEvents(
    data,
    new Map<string, Pass>([
      ['data', passData],
      ['readable', passData],
    ]),
  );
}

/** The same for the body of a request. */
export function guardBody(req: IncomingMessage, connection: Connection): void {
  guardData(req, connection, (refusal) => {
    // Otherwise the part that has been read would look like a complete body.
    req.destroy(refusalError(refusal));
  });
  if (req.httpVersionMajor >= 2) guardEnd(req, connection);
}

/** node:http2 ends a request when its stream closes early, as if its body were complete. */
function guardEnd(req: IncomingMessage, connection: Connection): void {
  // Unlike that of node:http, this request emits 'error' without a listener too, which would end the process.
  req.on('error', ignore);
  const push = req.push.bind(req);
  req.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    const refusal = chunk === null ? connection.check() : undefined;
    if (refusal === undefined) return push(chunk, encoding);
    req.destroy(refusalError(refusal));
    return false;
  };
}

/** A listener for errors. */
export function ignore(): void {
  // The connection is ending anyway.
}
