/**
 * TLS sessions as OpenSSL writes them down, for sockets that only say who is at their other end.
 *
 * @module
 */
import { explicit, integer, octetString, sequence } from './der-writer.js';

/** The DER of a session whose peer sent this certificate, or none. */
export function tlsSession(certificate?: Buffer): Buffer {
  return sequence(
    integer(1),
    integer(0x0304),
    octetString(Buffer.from('1301', 'hex')),
    octetString(Buffer.alloc(32, 1)),
    octetString(Buffer.alloc(48, 0x5e)),
    explicit(1, integer(1_700_000_000)),
    explicit(2, integer(7200)),
    ...(certificate === undefined ? [] : [explicit(3, certificate)]),
    explicit(4, octetString(Buffer.alloc(32, 2))),
  );
}
