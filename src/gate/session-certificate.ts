/**
 * The certificate that a peer proved to hold, taken from its TLS session.
 *
 * @module
 */
import type { TLSSocket } from 'node:tls';
import { MtlsError } from '../errors.js';
import { context, DerReader, Tag } from '../x509/der.js';

// A session in OpenSSL's DER, as i2d_SSL_SESSION() writes it. The peer's certificate is its element [3].
const session = { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'TLS session' } as const;
const peerTag = context(3, 'constructed');
/** Its own version, the protocol's, the cipher, the session's number, its secret; then elements with tags. */
const untagged = [Tag.integer, Tag.integer, Tag.octetString, Tag.octetString, Tag.octetString];

/**
 * Hands the DER of a peer's certificate to `use`, and returns what that returns; `undefined` where the peer sent none.
 *
 * Not by getPeerCertificate(), which takes 15 ms for a certificate that a stranger fills with names, and with `true`
 * never returns where two configured CAs certify each other; nor by getPeerX509Certificate(), which keeps memory at
 * each call on some releases of Node. All of them answer with the certificate of this session.
 * @param use - Given a view that is valid during the call: what it keeps, it copies.
 */
export function withSessionCertificate<Result>(
  socket: TLSSocket,
  use: (der: Buffer) => Result,
): Result | undefined {
  // `null` on a socket that is destroyed.
  const bytes = socket.getSession() as Buffer | null | undefined;
  if (bytes === undefined || bytes === null) return undefined;
  try {
    const der = findCertificate(bytes, socket);
    return der && use(der);
  } finally {
    // It holds the secret that the session can be resumed with.
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
    // A TLS library whose sessions have another form.
    return (socket.getPeerCertificate() as { readonly raw?: Buffer } | null)?.raw;
  }
}
