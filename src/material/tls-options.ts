/**
 * What may be handed on to node:tls, and what would open a hole and is refused.
 * See "setSecureContext" and "renegotiation" in SECURITY.md.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { MtlsError } from '../errors.js';

const remedies: Readonly<Record<string, string>> = {
  key: 'give it as options.key',
  cert: 'give it as options.cert',
  ca: 'give it as options.ca',
  crl: 'give it as options.crl',
  passphrase: 'give it as options.passphrase',
  pfx: 'split it with "openssl pkcs12" and give options.key and options.cert',
  secureContext: 'the contexts are made here, so that a reload reaches all of them',
  SNICallback: 'contexts made elsewhere keep their own CAs and CRLs, which no reload reaches',
  pskCallback: 'a client with a pre-shared key has no certificate, yet node:tls calls it authorized',
  newSession:
    'it is an event of the server, and no option; sessions that are resumed from a store are judged anew',
  resumeSession:
    'it is an event of the server, and no option; sessions that are resumed from a store are judged anew',
  sessionIdContext: 'it is bound to the CAs here, so that no session is resumed under others',
  handshakeTimeout: 'give it as options.limits.handshakeTimeoutMs',
  secureProtocol: 'use tls.minVersion and tls.maxVersion',
  clientCertEngine: 'engines replace the private key behind the checks made here',
  privateKeyEngine: 'engines replace the private key behind the checks made here',
  privateKeyIdentifier: 'engines replace the private key behind the checks made here',
};

/**
 * Checks what is handed on, and freezes a copy.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` saying why an option is refused and what to do instead.
 */
export function checkTlsOptions(tls: ServerOptions): ServerOptions {
  if (typeof tls !== 'object' || (tls as unknown) === null)
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      'tls must be an object of options for https.createServer()',
    );
  const given = tls as Readonly<Record<string, unknown>>;
  for (const [name, remedy] of Object.entries(remedies)) {
    if (given[name] !== undefined) throw refuse(name, remedy);
  }
  for (const name of ['requestCert', 'rejectUnauthorized']) {
    if (given[name] !== undefined && given[name] !== true) {
      throw refuse(
        name,
        `only true is possible; for callers without a certificate use options.clients: 'optional'`,
      );
    }
  }
  if (typeof given['ciphers'] === 'string' && /@SECLEVEL=0/i.test(given['ciphers'])) {
    throw refuse('ciphers', '@SECLEVEL=0 readmits MD5, SHA-1 and short keys; 1 is the least');
  }
  for (const name of ['minVersion', 'maxVersion']) {
    const version = given[name];
    if (version !== undefined && version !== 'TLSv1.2' && version !== 'TLSv1.3') {
      throw refuse(name, `'TLSv1.2' or 'TLSv1.3'; older versions are broken (RFC 8996)`);
    }
  }
  if (
    given['ticketKeys'] !== undefined &&
    !(Buffer.isBuffer(given['ticketKeys']) && given['ticketKeys'].length === 48)
  ) {
    throw refuse('ticketKeys', 'it must be a Buffer of 48 bytes, or every later reload fails');
  }
  if (given['secureOptions'] !== undefined && !Number.isInteger(given['secureOptions'])) {
    throw refuse('secureOptions', 'it must be a sum of crypto.constants.SSL_OP_…');
  }
  return Object.freeze({ ...tls });
}

function refuse(name: string, remedy: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', `tls.${name} is refused: ${remedy}`);
}
