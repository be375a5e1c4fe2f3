/**
 * Forwards a client's certificate to a backend that trusts this app as a proxy.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { writeForwarded } from '../forwarded/forwarded-certificate.js';
import { connectionOf } from '../gate/connection.js';
import { clientOf } from './client-of.js';

/**
 * The headers of RFC 9440 for the app's own request to a backend: `Client-Cert`, and `Client-Cert-Chain` if the client
 * sent intermediates that its certification path needed. The backend is configured with `proxies: { header: 'rfc9440', … }`,
 * and recognises this app by its certificate, by a secret, or on a Unix socket. Do not also copy headers of the client's
 * request.
 * @param req - The request of the client: Express's, Connect's, or that of `node:http` or `node:http2`.
 * @throws MtlsError as {@link clientOf}: `ERR_MTLS_CERTIFICATE_REQUIRED` (401) for a caller without a certificate.
 * @example
 * ```ts
 * app.get('/orders', requireClient(), async (req, res) => {
 *   const answer = await fetch('http://orders.internal/', { headers: forwardIdentity(req) });
 *   res.send(await answer.text());
 * });
 * ```
 */
export function forwardIdentity(req: IncomingMessage | Http2ServerRequest): Record<string, string> {
  const { raw } = clientOf(req);
  return writeForwarded(raw, connectionOf(req)?.intermediates ?? []);
}
