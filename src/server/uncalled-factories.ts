/**
 * Finds the factories of this package that an Express app was given without a call.
 *
 * @module
 */
import { type IncomingMessage, type RequestListener, Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Server } from 'node:net';
import { clientIdentity } from '../express/client-identity.js';
import { mtlsErrorHandler } from '../express/error-handler.js';
import { reportFault } from '../express/report-fault.js';
import { requestLog } from '../express/request-log.js';
import { requireClient } from '../express/require-client.js';
import { uncalled } from '../express/uncalled.js';

const factories = new Map<unknown, string>([
  [clientIdentity, 'clientIdentity'],
  [requireClient, 'requireClient'],
  [requestLog, 'requestLog'],
  [mtlsErrorHandler, 'mtlsErrorHandler'],
]);

/**
 * Looks at the first request for factories that the server's apps were given without a call, and reports them. A request
 * that one of them is asked to handle fails; but Express never asks `mtlsErrorHandler` about an error.
 */
export function reportUncalled(server: Server): void {
  // To a server of node:http2 such a listener would bring requests where the app has asked for streams alone.
  if (!(server instanceof HttpsServer || server instanceof HttpServer)) return;
  // Not before: to ask an app of Express 5 for its router makes it, by the settings of that moment.
  server.prependOnceListener('request', (req: IncomingMessage) => {
    const handlers = (server.listeners('request') as RequestListener[]).flatMap(handlersOf);
    const names = new Set(handlers.flatMap((handler) => factories.get(handler) ?? []));
    for (const name of names) reportFault(req, uncalled(name));
  });
}

/** What Express 4 and 5 keep of each middleware, route and router. */
interface Layer {
  readonly handle?: unknown;
  readonly route?: unknown;
}

/** The middleware of an app, of its routes and of its routers; none where it is no app of Express. */
function handlersOf(app: unknown): unknown[] {
  const seen = new Set<unknown>();
  const collect = (router: unknown): void => {
    if (seen.has(router)) return;
    seen.add(router);
    const { stack } = (router ?? {}) as { readonly stack?: unknown };
    if (!Array.isArray(stack)) return;
    for (const { handle, route } of stack as Layer[]) collect(route ?? handle);
  };
  collect(routerOf(app));
  return [...seen];
}

/** Express 4 has it under the first name, and throws for the second. */
function routerOf(app: unknown): unknown {
  const { _router } = app as { readonly _router?: unknown };
  try {
    return _router ?? (app as { readonly router?: unknown }).router;
  } catch {
    return undefined;
  }
}
