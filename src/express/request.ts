/**
 * What the middleware adds to a request, and the types that it needs of Express.
 *
 * The types are structural: they work with Express 4 and 5, and nothing here loads Express.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientIdentity } from '../identity/client-identity.js';

declare global {
  namespace Express {
    interface Request {
      /**
       * The identity of the client; `undefined` for a caller without a certificate. It is set before the first
       * middleware runs; on a server made with `createServerOptions()`, by `clientIdentity()` or the first guard.
       */
      clientIdentity?: ClientIdentity | undefined;
    }
  }
}

/** A request that may have an identity, of Express, Connect or node:http. */
export type MtlsRequest = IncomingMessage & {
  /**
   * The identity of the client; `undefined` for a caller without a certificate. It is set before the first middleware
   * runs; on a server made with `createServerOptions()`, by `clientIdentity()` or the first guard.
   */
  clientIdentity?: ClientIdentity | undefined;
};

/**
 * A middleware for Express, Connect, and other frameworks that call `(req, res, next)`.
 * @param req - The request.
 * @param res - The response.
 * @param next - Continues with the next handler, or with the error handlers.
 * @example
 * ```ts
 * const requireInvoiceClient: Middleware = requireClient({ organizationalUnit: 'billing' });
 * app.use('/invoices', requireInvoiceClient);
 * ```
 */
export type Middleware<Request extends IncomingMessage = IncomingMessage> = (
  req: Request,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * An error handler for Express and Connect.
 * @param error - The error that a handler threw or passed to `next()`.
 * @param req - The request.
 * @param res - The response.
 * @param next - Continues with the next error handler.
 */
export type ErrorMiddleware = (
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;
