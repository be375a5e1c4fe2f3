/**
 * TLS alerts, in words: RFC 8446 section 6 and RFC 5246 section 7.2.
 *
 * @module
 */

/** An alert that came from the server. */
export interface Alert {
  readonly number: number;
  /** In words. */
  readonly meaning: string;
}

const meanings: Readonly<Record<number, string>> = {
  40: 'handshake failure: no cipher or signature algorithm in common, or an old server that wants a certificate',
  42: 'bad certificate: the server could not read the certificate, or does not like it',
  43: 'unsupported certificate: the server takes no certificate of this kind',
  44: 'certificate revoked',
  45: 'certificate expired: or not valid yet, by the clock of the server',
  46: 'certificate unknown: the server does not accept it, and does not say why',
  47: 'illegal parameter',
  48: 'unknown CA: no CA that the server trusts has issued the certificate',
  49: 'access denied',
  50: 'decode error',
  51: 'decrypt error: a signature did not verify, as where the key does not belong to the certificate',
  70: 'protocol version: the two sides have no version of TLS in common',
  71: 'insufficient security: the server wants stronger ciphers or keys',
  80: 'internal error of the server',
  112: 'unrecognized name: the server has nothing under the name that was asked for',
  113: 'bad certificate status response',
  115: 'unknown PSK identity',
  116: 'certificate required: the server got no certificate',
  120: 'no application protocol: the server does not speak HTTP/1.1 here',
};

/** The alert that an error of node:tls is about. OpenSSL says its number in the message alone. */
export function alertIn(error: Error): Alert | undefined {
  const number = Number(/SSL alert number (\d{1,3})/.exec(error.message)?.[1] ?? NaN);
  if (Number.isNaN(number)) return undefined;
  return { number, meaning: meanings[number] ?? 'an alert without a name here' };
}
