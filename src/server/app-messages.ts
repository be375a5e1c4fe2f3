/**
 * Requests and responses that are created with the prototypes that an Express app would set.
 *
 * Express replaces the prototypes of both first. On Node 20 and 22, V8 then makes a hidden class for each request,
 * and every later property access is slow: half the cost of a request. An object that already has the prototype is
 * not changed. Without this file, a request to Express 5 costs 2.4 times as much on Node 20, 2.1 on 22, 1.07 on 24
 * and 1.08 on 26. Remove the file when Node 22 is no longer supported.
 *
 * @module
 */
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';

/** The constructors of a server's requests and responses. */
type MessageOptions = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/** The constructors for a server whose listener is an Express app; none for any other listener. */
export function messageOptions(listener: RequestListener | undefined): MessageOptions {
  const { request, response } = (listener ?? {}) as Partial<Record<'request' | 'response', unknown>>;
  return {
    ...(request instanceof IncomingMessage && { IncomingMessage: bornAs(request, IncomingMessage) }),
    ...(response instanceof ServerResponse && { ServerResponse: bornAs(response, ServerResponse) }),
  };
}

/** A constructor that does what `Base` does, and whose objects have this prototype. */
function bornAs<Base extends typeof IncomingMessage | typeof ServerResponse>(
  prototype: object,
  Base: Base,
): Base {
  // The prototype of a class is fixed, and so is that of its subclasses.
  if (Object.getOwnPropertyDescriptor(Base, 'prototype')?.writable !== true) return Base;
  function Born(this: object, ...given: unknown[]): void {
    Reflect.apply(Base, this, given);
  }
  Born.prototype = prototype;
  // As node:http does with its own constructors. V8 uses it to estimate the number of properties.
  return Object.setPrototypeOf(Born, Base) as Base;
}
