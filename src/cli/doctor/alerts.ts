/**
 * TLS alerts in words: RFC 8446 section 6 and RFC 5246 section 7.2.
 *
 * @module
 */

/** An alert that the server sent. */
export interface Alert {
  readonly number: number;
  /** In words. */
  readonly meaning: string;
}

const alerts: Readonly<Record<string, readonly [number: number, meaning: string] | undefined>> = {
  HANDSHAKE_FAILURE: [
    40,
    'handshake failure: no cipher or signature algorithm in common, or an older server that requires a certificate',
  ],
  BAD_CERTIFICATE: [42, 'bad certificate: the server could not parse or rejected the certificate'],
  UNSUPPORTED_CERTIFICATE: [
    43,
    'unsupported certificate: the server does not accept certificates of this kind',
  ],
  CERTIFICATE_REVOKED: [44, 'certificate revoked'],
  CERTIFICATE_EXPIRED: [45, 'certificate expired, or not valid yet, by the clock of the server'],
  CERTIFICATE_UNKNOWN: [
    46,
    'certificate unknown: the server rejected the certificate without a specific reason',
  ],
  ILLEGAL_PARAMETER: [47, 'illegal parameter'],
  UNKNOWN_CA: [48, 'unknown CA: no CA that the server trusts has issued the certificate'],
  ACCESS_DENIED: [49, 'access denied'],
  DECODE_ERROR: [50, 'decode error'],
  DECRYPT_ERROR: [
    51,
    'decrypt error: a signature is invalid, for example because the key does not belong to the certificate',
  ],
  PROTOCOL_VERSION: [70, 'protocol version: client and server have no TLS version in common'],
  INSUFFICIENT_SECURITY: [71, 'insufficient security: the server requires stronger ciphers or keys'],
  INTERNAL_ERROR: [80, 'internal error of the server'],
  UNRECOGNIZED_NAME: [112, 'unrecognized name: the server does not know the requested server name'],
  BAD_CERTIFICATE_STATUS_RESPONSE: [113, 'bad certificate status response'],
  UNKNOWN_PSK_IDENTITY: [115, 'unknown PSK identity'],
  CERTIFICATE_REQUIRED: [116, 'certificate required: the server received no certificate'],
  NO_APPLICATION_PROTOCOL: [120, 'no application protocol: the server does not speak HTTP/1.1 here'],
};

// The names that OpenSSL gives to received alerts: ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, and ERR_SSL_SSL/TLS_ALERT_… since
// 3.4.
const alertCode = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_(?:ALERT_)?([A-Z_]+)$/;

/** The alert in an error of node:tls; `undefined` if there is none. */
export function alertIn({ code = '' }: NodeJS.ErrnoException): Alert | undefined {
  const [number, meaning] = alerts[alertCode.exec(code)?.[1] ?? ''] ?? [];
  return number === undefined || meaning === undefined ? undefined : { number, meaning };
}
