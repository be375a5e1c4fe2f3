/**
 * The identity of a request, for handlers that need one.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { connectionOf, judgeRequest } from '../gate/connection.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { refusalError } from '../judgement/refusal.js';
import { certificateRequired } from './admission.js';
import { withoutConnection } from './client-identity.js';

/**
 * Returns the identity of the client, for handlers behind `requireClient()`: typed, without `?.`. Judges the client
 * again, in O(1) unless something was reloaded or a date has passed.
 * @param req - The request, of Express, Connect, `node:http` or `node:http2`.
 * @returns The same frozen object as `req.clientIdentity`.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_REQUIRED` (401) for a caller without a certificate; the code of the refusal
 *   (401 or 503) for a client that is no longer admitted; `ERR_MTLS_SERVER_UNPROTECTED` (500) on a server without the
 *   gate.
 * @example
 * ```ts
 * app.get('/orders', requireClient(), (req, res) => {
 *   const { commonName, fingerprint256 } = clientOf(req);
 *   res.json({ commonName, fingerprint256 });
 * });
 * ```
 */
export function clientOf(req: IncomingMessage | Http2ServerRequest): ClientIdentity {
  const connection = connectionOf(req);
  if (connection === undefined) throw withoutConnection(req as IncomingMessage);
  const refusal = judgeRequest(req, connection);
  if (refusal !== undefined) throw refusalError(refusal);
  if (connection.identity === undefined) throw certificateRequired();
  return connection.identity;
}
