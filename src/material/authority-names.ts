/**
 * The length of the CA names. A server sends all of them in every handshake, so that clients can choose a certificate
 * (RFC 5246 section 7.4.4, RFC 8446 section 4.2.4).
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type EventSink } from '../logger.js';
import { type MaterialEvents } from './events.js';
import { type CertificateStore } from '../x509/certificate-store.js';

// The message also holds the signature algorithms and some lengths: 53 octets with OpenSSL 3.5.
const besideNames = 128;

/** The maximum that OpenSSL sends in TLS 1.3 and that Go and rustls clients accept: a message of 65,535 octets. */
const mostOctets = 65_535 - besideNames;

// A Java client accepts a message of 32 KiB (jdk.tls.maxHandshakeMessageSize).
const mostOctetsInJava = 32_768 - besideNames;

/** The octets that the names take: the subject of every certificate, repeated ones included, and its length. */
function octetsOf({ certificates }: Pick<CertificateStore, 'certificates'>): number {
  return certificates.reduce((sum, { subject }) => sum + 2 + subject.der.length, 0);
}

/**
 * Checks that the names fit into a handshake.
 * @param origin - The origin of the CAs, for errors.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` if they do not: OpenSSL would fail in every handshake.
 */
export function checkNames(store: CertificateStore, origin: string): void {
  const octets = octetsOf(store);
  if (octets <= mostOctets) return;
  throw new MtlsError('ERR_MTLS_CA_INVALID', {
    source: origin,
    seen: `the names of its ${store.certificates.length} CAs take ${octets} octets in the handshake; the maximum is ${mostOctets}`,
    remedy: namesRemedy,
  });
}

/** What to do about names that are too long. */
export const namesRemedy = 'configure fewer CAs, only the roots, or CAs with shorter names';

/**
 * Reports names that a Java client rejects.
 * @param servername - The server name that the CAs are for; `undefined` for the server itself.
 */
export function reportLongNames(
  sink: EventSink<MaterialEvents>,
  store: CertificateStore,
  servername?: string,
): void {
  const octets = octetsOf(store);
  if (octets <= mostOctetsInJava) return;
  const { length: cas } = store.certificates;
  sink.emit('long-ca-names', { octets, limit: mostOctetsInJava, cas, servername });
}
