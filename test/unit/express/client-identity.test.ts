import { describe, expect, test } from '@jest/globals';
import { type MtlsError } from '../../../src/errors.js';
import { clientIdentity } from '../../../src/express/client-identity.js';
import { type RefusalReason } from '../../../src/judgement/refusal.js';
import { client1, exchange } from '../../support/exchange.js';
import { takeWarnings } from '../../support/warnings.js';

describe('clientIdentity', () => {
  test('sets the identity', () => {
    const { req, res, next, passed } = exchange();
    clientIdentity()(req, res, next);
    expect(passed).toEqual([[]]);
    expect(req.clientIdentity).toBe(client1);
  });

  test('passes a caller without a certificate, and clears the identity', () => {
    const { req, res, next, passed } = exchange('anonymous');
    req.clientIdentity = client1;
    clientIdentity()(req, res, next);
    expect(passed).toEqual([[]]);
    expect(req.clientIdentity).toBeUndefined();
  });

  test.each<[RefusalReason, string, number]>([
    ['revoked', 'ERR_MTLS_CERTIFICATE_REVOKED', 401],
    ['expired', 'ERR_MTLS_CERTIFICATE_EXPIRED', 401],
    ['revocation-unknown', 'ERR_MTLS_REVOCATION_UNKNOWN', 503],
  ])(
    'passes on that the client is %s since its handshake, and closes the connection after the answer',
    (reason, code, status) => {
      const { req, res, next, passed, refuse, evictions } = exchange();
      req.clientIdentity = client1;
      refuse(reason);
      clientIdentity()(req, res, next);
      expect(passed).toMatchObject([
        [{ code, status, message: `the client certificate is refused: ${reason}` }],
      ]);
      expect(req.clientIdentity).toBeUndefined();
      expect(evictions).toEqual([]);
      res.emit('close');
      expect(evictions).toMatchObject([{ reason, code }]);
    },
  );

  test.each([
    [false, 'a server without TLS'],
    [true, 'a TLS server without the gate'],
  ])('trusts no client on a server without the gate (TLS: %p)', (isTls, seen) => {
    const { req, res, next, passed } = exchange('unjudged');
    if (isTls)
      Object.assign(req.socket, {
        getPeerCertificate: () => ({ subject: { CN: 'admin' } }),
        authorized: true,
      });
    clientIdentity()(req, res, next);
    const error = passed[0]?.[0] as MtlsError;
    expect(error).toMatchObject({ code: 'ERR_MTLS_SERVER_UNPROTECTED', status: 500 });
    expect(error.message).toBe(
      `the request came through ${seen}, where no client certificate is verified; create the server with createServer() or createServerOptions(), or protect() it before it listens; in a test without TLS, wrap the app with asClient() of express-mtls/testing`,
    );
    expect(req.clientIdentity).toBeUndefined();
    expect(takeWarnings()).toEqual([error.message]);
  });
});
