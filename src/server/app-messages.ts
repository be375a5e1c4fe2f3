/**
 * Requests and responses that are born with the prototypes an Express app would give them.
 *
 * The first thing an app does is to replace the prototypes of both. On Node 20 and 22 V8 answers that with a hidden
 * class for each request alone, and every access to a property of it is slow from then on: half of what a request
 * costs. Where an object has the prototype already, nothing happens to it. A request that is answered by Express 5
 * without this file costs 2.4 times as much on Node 20, 2.1 on 22, 1.07 on 24, 1.08 on 26: remove the file when
 * Node 22 is no longer supported.
 *
 * @module
 */
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';

/** What a server makes its requests and responses with. */
type MessageOptions = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/** The constructors for a server whose listener is an Express app; none for any other listener. */
export function messageOptions(listener: RequestListener | undefined): MessageOptions {
  const { request, response } = (listener ?? {}) as Partial<Record<'request' | 'response', unknown>>;
  return {
    ...(request instanceof IncomingMessage && { IncomingMessage: bornAs(request, IncomingMessage) }),
    ...(response instanceof ServerResponse && { ServerResponse: bornAs(response, ServerResponse) }),
  };
}

/** A constructor that does what `Base` does, and whose objects have exactly this prototype. */
function bornAs<Base extends typeof IncomingMessage | typeof ServerResponse>(
  prototype: object,
  Base: Base,
): Base {
  // A class could be extended alone, and the prototype of one that extends it cannot be chosen.
  if (Object.getOwnPropertyDescriptor(Base, 'prototype')?.writable !== true) return Base;
  function Born(this: object, ...given: unknown[]): void {
    Reflect.apply(Base, this, given);
  }
  Born.prototype = prototype;
  // As node:http does among its own. V8 reads off it for how many properties to make room.
  return Object.setPrototypeOf(Born, Base) as Base;
}
