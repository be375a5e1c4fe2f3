/**
 * The certificate of the peer, read from the TLS session.
 *
 * @module
 */
import type { TLSSocket } from 'node:tls';
import { MtlsError } from '../errors.js';
import { context, DerReader, Tag } from '../x509/der.js';

// A session in DER, as i2d_SSL_SESSION() of OpenSSL writes it. The peer's certificate is the element [3].
const session = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'TLS session' } as const;
const peerTag = context(3, 'constructed');
/**
 * The version of the structure, the protocol version, the cipher, the session ID and the master secret. Tagged
 * elements follow.
 */
const untagged = [Tag.integer, Tag.integer, Tag.octetString, Tag.octetString, Tag.octetString];

/**
 * Calls `use` with the DER of the peer's certificate and returns its result; `undefined` if the peer sent no
 * certificate.
 *
 * All alternatives read the same certificate, with drawbacks: getPeerCertificate() takes 15 ms for a certificate with
 * very many names, and with `true` never returns if two configured CAs certify each other; getPeerX509Certificate()
 * leaks memory on some releases of Node.
 * @param use - Receives a view that is only valid during the call.
 */
export function withSessionCertificate<Result>(
  socket: TLSSocket,
  use: (der: Buffer) => Result,
): Result | undefined {
  // `null` on a destroyed socket, and always in Deno.
  const bytes = socket.getSession() as Buffer | null | undefined;
  if (bytes === undefined || bytes === null) {
    const der = socket.destroyed ? undefined : reportedCertificate(socket);
    return der && use(der);
  }
  try {
    const der = findCertificate(bytes, socket);
    return der && use(der);
  } finally {
    // It contains the secret with which the session can be resumed.
    bytes.fill(0);
  }
}

function findCertificate(bytes: Buffer, socket: TLSSocket): Buffer | undefined {
  try {
    const reader = new DerReader(bytes, session);
    reader.next(Tag.sequence).finish();
    reader.reset(reader.contentStart, reader.contentEnd);
    for (const tag of untagged) reader.next(tag);
    while (!reader.done) {
      if (reader.next().tag !== peerTag) continue;
      reader.reset(reader.contentStart, reader.contentEnd);
      reader.next(Tag.sequence).finish();
      return reader.element;
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    // A TLS library with another session format.
    return reportedCertificate(socket);
  }
}

function reportedCertificate(socket: TLSSocket): Buffer | undefined {
  const { raw } = (socket.getPeerCertificate() as { readonly raw?: Uint8Array } | null) ?? {};
  // Deno's is not a Buffer.
  return raw && Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
}
