/**
 * What may be handed on to node:tls, and what would open a hole and is refused.
 * See "setSecureContext" and "renegotiation" in SECURITY.md.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { MtlsError } from '../errors.js';
import { throwFaults } from '../option-checks.js';

const alwaysOn =
  "it is always on, so leave it out; for callers without a certificate use options.clients: 'optional'";

const reasons: Readonly<Record<string, string>> = {
  requestCert: alwaysOn,
  rejectUnauthorized: alwaysOn,
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
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'tls is no object',
      expected: 'an object of options for https.createServer()',
    });
  const given = tls as Readonly<Record<string, unknown>>;
  const { ciphers, ticketKeys, secureOptions } = given;
  const faults = Object.entries(reasons).flatMap(([name, reason]) =>
    given[name] === undefined ? [] : [refuse(name, reason)],
  );
  if (typeof ciphers === 'string' && /@SECLEVEL=0/i.test(ciphers))
    faults.push(refuse('ciphers', '@SECLEVEL=0 readmits MD5, SHA-1 and short keys', '1 is the least'));
  for (const name of ['minVersion', 'maxVersion']) {
    const version = given[name];
    if (version !== undefined && version !== 'TLSv1.2' && version !== 'TLSv1.3')
      faults.push(refuse(name, 'older versions are broken (RFC 8996)', "use 'TLSv1.2' or 'TLSv1.3'"));
  }
  if (ticketKeys !== undefined && !(Buffer.isBuffer(ticketKeys) && ticketKeys.length === 48))
    faults.push(refuse('ticketKeys', 'it must be a Buffer of 48 bytes, or every later reload fails'));
  if (secureOptions !== undefined && !Number.isInteger(secureOptions))
    faults.push(refuse('secureOptions', 'it must be a sum of crypto.constants.SSL_OP_…'));
  throwFaults(faults);
  return Object.freeze({ ...tls });
}

function refuse(name: string, reason: string, remedy?: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `tls.${name} is refused: ${reason}`, remedy });
}
