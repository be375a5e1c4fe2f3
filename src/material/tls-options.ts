/**
 * Which options can be passed to node:tls, and which would weaken authentication and are rejected. See
 * "setSecureContext" and "renegotiation" in SECURITY.md.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { MtlsError } from '../errors.js';
import { throwFaults } from '../option-checks.js';

const alwaysOn = "it is always on; for clients without a certificate, use options.clients: 'optional'";

const reasons: Readonly<Record<string, string>> = {
  requestCert: alwaysOn,
  rejectUnauthorized: alwaysOn,
  key: 'use options.key',
  cert: 'use options.cert',
  ca: 'use options.ca',
  crl: 'use options.crl',
  passphrase: 'use options.passphrase',
  pfx: 'split it with "openssl pkcs12" and use options.key and options.cert',
  secureContext: 'contexts must be created by this package, so that a reload reaches all of them',
  SNICallback: 'contexts created elsewhere keep their own CAs and CRLs, which a reload does not reach',
  pskCallback: 'a client with a pre-shared key has no certificate, yet node:tls calls it authorized',
  newSession: 'it is an event of the server, not an option; sessions resumed from a store are checked again',
  resumeSession:
    'it is an event of the server, not an option; sessions resumed from a store are checked again',
  sessionIdContext: 'it is derived from the CAs, so that no session is resumed under other CAs',
  handshakeTimeout: 'use options.limits.handshakeTimeoutMs',
  secureProtocol: 'use tls.minVersion and tls.maxVersion',
  clientCertEngine: 'engines replace the private key behind the checks made here',
  privateKeyEngine: 'engines replace the private key behind the checks made here',
  privateKeyIdentifier: 'engines replace the private key behind the checks made here',
};

/**
 * Checks the options for node:tls, and freezes a copy.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with the reason and the alternative.
 */
export function checkTlsOptions(tls: ServerOptions): ServerOptions {
  if (typeof tls !== 'object' || (tls as unknown) === null)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'tls is not an object',
      expected: 'an object of options for https.createServer()',
    });
  const given = tls as Readonly<Record<string, unknown>>;
  const { ciphers, ticketKeys, secureOptions } = given;
  const faults = Object.entries(reasons).flatMap(([name, reason]) =>
    given[name] === undefined ? [] : [refuse(name, reason)],
  );
  if (typeof ciphers === 'string' && /@SECLEVEL=0/i.test(ciphers))
    faults.push(refuse('ciphers', '@SECLEVEL=0 allows MD5, SHA-1 and short keys', 'the minimum is 1'));
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
