/**
 * What the middleware adds to a request, and the shapes it needs of Express.
 *
 * They are structural, so that a user's types come from the Express that the
 * user has, 4 or 5, and nothing here loads it.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientIdentity } from '../identity/client-identity.js';

declare global {
  namespace Express {
    interface Request {
      /**
       * Who is calling; `undefined` for an anonymous caller. It is there before the first middleware runs; on a server
       * of `createServerOptions()`, from `clientIdentity()` or the first guard on.
       */
      clientIdentity?: ClientIdentity | undefined;
    }
  }
}

/** A request that may carry an identity: Express's, Connect's, or node:http's own. */
export type MtlsRequest = IncomingMessage & {
  /**
   * Who is calling; `undefined` for an anonymous caller. It is there before the first middleware runs; on a server of
   * `createServerOptions()`, from `clientIdentity()` or the first guard on.
   */
  clientIdentity?: ClientIdentity | undefined;
};

/**
 * A middleware for Express, Connect, and whatever calls `(req, res, next)`.
 * @param req - The request.
 * @param res - Its answer.
 * @param next - Goes on with the next handler, or with the error handlers.
 */
export type Middleware<Request extends IncomingMessage = IncomingMessage> = (
  req: Request,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * An error handler for Express and Connect.
 * @param error - What a handler threw, or passed to its `next()`.
 * @param req - The request.
 * @param res - Its answer.
 * @param next - Goes on with the next error handler.
 */
export type ErrorMiddleware = (
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;
