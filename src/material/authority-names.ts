/**
 * The names of the CAs: a server sends all of them in every handshake, so that clients can choose a certificate. How
 * long they may be together (RFC 5246 section 7.4.4, RFC 8446 section 4.2.4).
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type EventSink } from '../logger.js';
import { type MaterialEvents } from './events.js';
import { type CertificateStore } from '../x509/certificate-store.js';

// The names share their message with the signature algorithms and some lengths: 53 octets on OpenSSL 3.5.
const besideNames = 128;

/** The most that OpenSSL sends in TLS 1.3, and clients in Go and with rustls accept: 65,535 octets for the message. */
const mostOctets = 65_535 - besideNames;

// A client in Java accepts a message of 32 KiB (its property jdk.tls.maxHandshakeMessageSize).
const mostOctetsInJava = 32_768 - besideNames;

/** How many octets the names take: the subject of every certificate, also where two are alike, and its length. */
function octetsOf({ certificates }: Pick<CertificateStore, 'certificates'>): number {
  return certificates.reduce((sum, { subject }) => sum + 2 + subject.der.length, 0);
}

/**
 * Checks that a handshake has room for the names.
 * @param origin - Where the CAs come from, for the error.
 * @throws MtlsError `ERR_MTLS_CA_INVALID` where it has not: OpenSSL would fail in every handshake.
 */
export function checkNames(store: CertificateStore, origin: string): void {
  const octets = octetsOf(store);
  if (octets <= mostOctets) return;
  throw new MtlsError('ERR_MTLS_CA_INVALID', {
    source: origin,
    seen: `the names of its CAs (${store.certificates.length}) take ${octets} octets in the handshake, and ${mostOctets} is the most`,
    remedy: namesRemedy,
  });
}

/** What to do about names that are too long. */
export const namesRemedy = 'configure fewer CAs, the roots alone, or CAs with shorter names';

/**
 * Reports names that a client in Java does not accept.
 * @param servername - The name that the CAs are for; `undefined` for the server itself.
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
