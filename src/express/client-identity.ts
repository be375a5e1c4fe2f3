/**
 * The middleware that sets `req.clientIdentity`.
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
 * Sets `req.clientIdentity`, and judges the client again. If its certificate was revoked or has expired since the
 * handshake, `next()` gets an error and the connection is closed. With `clients: 'optional'`, a caller without a
 * certificate passes without an identity.
 * @throws MtlsError to `next()`: the code of the refusal (401 or 503), or `ERR_MTLS_SERVER_UNPROTECTED` (500) on a
 *   server without the gate.
 * @example
 * ```ts
 * app.use(clientIdentity());
 * app.get('/', (req, res) => res.send(`hello ${req.clientIdentity?.commonName ?? 'stranger'}`));
 * ```
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
 * Judges a request, and evicts a client that is refused.
 * @returns The error for `next()`, or the identity; `undefined` for a caller without a certificate.
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

/** Closes the connection after the answer, so that the client receives the reason. */
function evictAfter(
  connection: Connection,
  refusal: Parameters<Connection['evict']>[0],
  res: ServerResponse,
): void {
  res.once('close', () => {
    connection.evict(refusal);
  });
}

/** The error for a request without a connection. That the server has no gate is reported once. */
export function withoutConnection(req: IncomingMessage): MtlsError {
  if (hasEnded(req))
    return new MtlsError('ERR_MTLS_CERTIFICATE_REQUIRED', {
      seen: 'the HTTP/2 session of the request has ended, and its client can no longer be judged',
    });
  const error = unguarded(req);
  reportFault(req, error);
  return error;
}

/** When an HTTP/2 session ends, its requests lose their socket, and with it the connection. */
function hasEnded(req: IncomingMessage): boolean {
  const { stream } = req as { readonly stream?: Http2ServerRequest['stream'] };
  return stream !== undefined && stream.session === undefined;
}

function unguarded({ socket }: IncomingMessage): MtlsError {
  const seen = 'getPeerCertificate' in socket ? 'a TLS server without the gate' : 'a server without TLS';
  return new MtlsError('ERR_MTLS_SERVER_UNPROTECTED', {
    seen: `the request came through ${seen}, where no client certificate is verified`,
    remedy:
      'create the server with createServer() or createServerOptions(), or protect() it before it listens; in a test without TLS, wrap the app with asClient() of express-mtls/testing',
  });
}
