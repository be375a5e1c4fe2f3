/**
 * What node:tls says of a handshake that failed before the gate was asked.
 *
 * @module
 */
import type { TLSSocket } from 'node:tls';
import { refuseForOpenssl } from '../judgement/judgement.js';
import { type Refusal, refuse } from '../judgement/refusal.js';

/** Whether a client sent HTTP without TLS: a request, or what it would ask a proxy. */
export function isPlainHttp({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_SSL_HTTP_REQUEST' || code === 'ERR_SSL_HTTPS_PROXY_REQUEST';
}

/**
 * Why node:tls refused a client by itself; `undefined` where the handshake failed for another reason. A client without
 * a certificate fails the handshake; UNABLE_TO_GET_ISSUER_CERT is said of a chain that does not end, and of a session
 * without a certificate, and the socket that is left does not tell which.
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
