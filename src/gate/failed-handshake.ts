/**
 * Interprets the errors of handshakes that failed before the gate was called.
 *
 * @module
 */
import type { TLSSocket } from 'node:tls';
import { refuseForOpenssl } from '../judgement/judgement.js';
import { type Refusal, refuse } from '../judgement/refusal.js';

/** Whether a client sent HTTP without TLS: a request, or a CONNECT request for a proxy. */
export function isPlainHttp({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_SSL_HTTP_REQUEST' || code === 'ERR_SSL_HTTPS_PROXY_REQUEST';
}

/**
 * Returns why node:tls refused a client; `undefined` if the handshake failed for another reason.
 * UNABLE_TO_GET_ISSUER_CERT means an incomplete chain, or a resumed session without a certificate: the socket does
 * not tell which.
 */
export function nativeRefusal(error: NodeJS.ErrnoException, socket: TLSSocket): Refusal | undefined {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
    return refuse('no-certificate', 'the client sent no certificate');
  const code = socket.authorizationError as unknown;
  if (typeof code !== 'string' || code === '') return undefined;
  if (code !== 'UNABLE_TO_GET_ISSUER_CERT') return refuseForOpenssl(code);
  const seen = 'no configured CA leads to the certificate, or a resumed session has none';
  return refuse('untrusted', `OpenSSL says ${code}: ${seen}`);
}
