/**
 * The middleware that says who is calling.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { MtlsError } from '../errors.js';
import { type Connection, connectionOf, judgeRequest } from '../gate/connection.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { refusalError } from '../judgement/refusal.js';
import { reportFault } from './report-fault.js';
import { type Middleware, type MtlsRequest } from './request.js';
import { refuseRequests } from './uncalled.js';

/**
 * Sets `req.clientIdentity`, and judges the client again: one that was revoked or has expired since its
 * handshake is passed on as an error, and its connection is closed. Where clients are optional, an anonymous
 * caller passes without an identity.
 * @throws MtlsError to `next()`: the code of the refusal (401 or 503), or `ERR_MTLS_SERVER_UNPROTECTED` (500) on a
 *   server that was not made by this package.
 */
export function clientIdentity(): Middleware;
export function clientIdentity(...given: unknown[]): Middleware {
  refuseRequests('clientIdentity', given);
  return (req, res, next) => {
    const outcome = identifyRequest(req, res);
    if (outcome instanceof MtlsError) next(outcome);
    else next();
  };
}

/**
 * Identifies a request: {@link judgeRequest}, for a middleware.
 * @returns The error for `next()`, or the identity; `undefined` for an anonymous caller.
 */
export function identifyRequest(
  req: MtlsRequest,
  res: ServerResponse,
): ClientIdentity | MtlsError | undefined {
  const connection = connectionOf(req);
  if (connection === undefined) return withoutConnection(req);
  const refusal = judgeRequest(req, connection);
  if (refusal === undefined) return connection.identity;
  evictAfter(connection, refusal, res);
  return refusalError(refusal);
}

/** Lets the answer out first, so that the client learns why. */
function evictAfter(
  connection: Connection,
  refusal: Parameters<Connection['evict']>[0],
  res: ServerResponse,
): void {
  res.once('close', () => {
    connection.evict(refusal);
  });
}

/** The error of a request without a connection. That no gate has let it through is reported once. */
export function withoutConnection(req: IncomingMessage): MtlsError {
  if (hasEnded(req))
    return new MtlsError('ERR_MTLS_CERTIFICATE_REQUIRED', {
      seen: 'the HTTP/2 session of the request has ended, and its client can no longer be judged',
    });
  const error = unguarded(req);
  reportFault(req, error);
  return error;
}

/** The session of an HTTP/2 request takes its socket along when it ends, and with that the connection. */
function hasEnded(req: IncomingMessage): boolean {
  const { stream } = req as { readonly stream?: Http2ServerRequest['stream'] };
  return stream !== undefined && stream.session === undefined;
}

function unguarded({ socket }: IncomingMessage): MtlsError {
  const seen = 'getPeerCertificate' in socket ? 'a TLS server without the gate' : 'a server without TLS';
  return new MtlsError('ERR_MTLS_SERVER_UNPROTECTED', {
    seen: `the request came through ${seen}, where no client certificate can be believed`,
    remedy: 'make the server with createServer() or createServerOptions(), or protect() it before it listens',
  });
}
