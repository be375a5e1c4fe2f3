/**
 * Finds factories of this package that were passed to an Express app without being called.
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
 * At the first request, reports the factories that were passed to the server's apps without being called. A request
 * that reaches an uncalled factory fails; but Express never passes an error to an uncalled `mtlsErrorHandler`, so
 * nothing else would report it.
 */
export function reportUncalled(server: Server): void {
  // On a server of node:http2, such a listener would create requests for an app that only uses streams.
  if (!(server instanceof HttpsServer || server instanceof HttpServer)) return;
  // Not earlier: reading the router of an Express 5 app creates it with the current settings.
  server.prependOnceListener('request', (req: IncomingMessage) => {
    const handlers = (server.listeners('request') as RequestListener[]).flatMap(handlersOf);
    const names = new Set(handlers.flatMap((handler) => factories.get(handler) ?? []));
    for (const name of names) reportFault(req, uncalled(name));
  });
}

/** The internal record that Express 4 and 5 keep for each middleware, route and router. */
interface Layer {
  readonly handle?: unknown;
  readonly route?: unknown;
}

/** The middleware of an app, of its routes and of its routers; empty if it is not an Express app. */
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

/** Express 4 has the router as `_router`, and throws for `router`. */
function routerOf(app: unknown): unknown {
  const { _router } = app as { readonly _router?: unknown };
  try {
    return _router ?? (app as { readonly router?: unknown }).router;
  } catch {
    return undefined;
  }
}
