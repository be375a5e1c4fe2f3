import { constants } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import { describe, expect, test } from '@jest/globals';
import { checkTlsOptions } from '../../../src/material/tls-options.js';
import { failureOf } from '../x509/failure.js';

function refusal(tls: object): string {
  const { code, message } = failureOf(() => checkTlsOptions(tls));
  expect(code).toBe('ERR_MTLS_OPTION_INVALID');
  return message;
}

describe('options for node:tls', () => {
  test.each<[ServerOptions]>([
    [{}],
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }],
    [{ ciphers: 'ECDHE+AESGCM:@SECLEVEL=1', honorCipherOrder: true, ecdhCurve: 'P-256' }],
    [{ ticketKeys: Buffer.alloc(48) }],
    [{ secureOptions: constants.SSL_OP_NO_TLSv1_3 }],
    [{ ALPNProtocols: ['http/1.1'], keepAliveTimeout: 5000 }],
  ])('%#: can be any that do not weaken authentication', (tls) => {
    expect(checkTlsOptions(tls)).toEqual(tls);
  });

  test('are a frozen copy', () => {
    const tls: ServerOptions = { minVersion: 'TLSv1.3' };
    const checked = checkTlsOptions(tls);
    tls.minVersion = 'TLSv1.2';
    expect(checked.minVersion).toBe('TLSv1.3');
    expect(Object.isFrozen(checked)).toBe(true);
  });

  test('can be undefined', () => {
    expect(() =>
      checkTlsOptions({ SNICallback: undefined, requestCert: undefined, key: undefined }),
    ).not.toThrow();
  });

  test.each([
    ['key', 'use options.key'],
    ['cert', 'use options.cert'],
    ['ca', 'use options.ca'],
    ['crl', 'use options.crl'],
    ['passphrase', 'use options.passphrase'],
    ['pfx', 'openssl pkcs12'],
    ['secureContext', 'reload reaches all'],
    ['SNICallback', 'which a reload does not reach'],
    ['pskCallback', 'no certificate'],
    ['sessionIdContext', 'no session is resumed under other CAs'],
    ['secureProtocol', 'tls.minVersion'],
    ['handshakeTimeout', 'options.limits.handshakeTimeoutMs'],
    ['clientCertEngine', 'engines'],
    ['privateKeyEngine', 'engines'],
    ['privateKeyIdentifier', 'engines'],
  ])('never include %s, and the error has the remedy', (name, remedy) => {
    for (const value of ['x', null, false, (): void => undefined]) {
      const message = refusal({ [name]: value });
      expect(message).toMatch(new RegExp(`^tls\\.${name} is refused: `));
      expect(message).toContain(remedy);
    }
  });

  test.each(['requestCert', 'rejectUnauthorized'])('%s is always on, and not an option', (name) => {
    // `1` and 'true' mean no client certificate to node:tls.
    for (const value of [true, false, null, 0, 1, 'true'])
      expect(refusal({ [name]: value })).toBe(
        `tls.${name} is refused: it is always on; for clients without a certificate, use options.clients: 'optional'`,
      );
  });

  test.each(['DEFAULT:@SECLEVEL=0', '@seclevel=0', 'ALL@SECLEVEL=00'])(
    'never allow the ciphers %s',
    (ciphers) => {
      expect(refusal({ ciphers })).toContain(
        '@SECLEVEL=0 allows MD5, SHA-1 and short keys; the minimum is 1',
      );
    },
  );

  test.each(['minVersion', 'maxVersion'] as const)('have a %s of 1.2 or 1.3', (name) => {
    for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.4', '', null, 1.2])
      expect(refusal({ [name]: version })).toBe(
        `tls.${name} is refused: older versions are broken (RFC 8996); use 'TLSv1.2' or 'TLSv1.3'`,
      );
  });

  test.each([Buffer.alloc(47), Buffer.alloc(49), 'k'.repeat(48), null])(
    'has ticket keys of 48 bytes: %#',
    (ticketKeys) => {
      expect(refusal({ ticketKeys })).toBe(
        'tls.ticketKeys is refused: it must be a Buffer of 48 bytes, or every later reload fails',
      );
    },
  );

  test.each(['SSL_OP_NO_TICKET', 1.5, null])('have secureOptions that are a number: %p', (secureOptions) => {
    expect(refusal({ secureOptions })).toContain('a sum of crypto.constants.SSL_OP_');
  });
});
