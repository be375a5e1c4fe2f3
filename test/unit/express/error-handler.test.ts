import { STATUS_CODES } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { ErrorCode, MtlsError } from '../../../src/errors.js';
import { mtlsErrorHandler } from '../../../src/express/error-handler.js';
import { exchange } from '../../support/exchange.js';

function answer(error: unknown): { status: number; headers: object; body: unknown; passed: unknown[][] } {
  const { req, res, next, passed } = exchange();
  let body: unknown;
  res.end = ((text: unknown) => ((body = text), res)) as typeof res.end;
  mtlsErrorHandler()(error, req, res, next);
  return { status: res.statusCode, headers: res.getHeaders(), body, passed };
}

describe('mtlsErrorHandler', () => {
  test.each(Object.values(ErrorCode))('answers %s with a problem of exactly four members', (code) => {
    const secret = 'CN=client2, serial 1002, /etc/ssl/ca.crl';
    const error = new MtlsError(
      code,
      { seen: secret, remedy: secret, source: secret },
      { cause: new Error(secret) },
    );
    const { status, headers, body, passed } = answer(error);
    expect(passed).toEqual([]);
    expect(status).toBe(error.status);
    expect(headers).toEqual({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
    expect(JSON.parse(body as string)).toEqual({
      type: 'about:blank',
      title: STATUS_CODES[error.status],
      status: error.status,
      code,
    });
  });

  test.each([
    ['an error of another kind', new Error('x')],
    ['what looks like one of these', { name: 'MtlsError', code: 'ERR_MTLS_CLIENT_FORBIDDEN', status: 403 }],
    ['nothing', undefined],
  ])('passes %s on', (_what, error) => {
    const { status, body, passed, headers } = answer(error);
    expect(passed).toEqual([[error]]);
    expect({ status, body, headers: { ...headers } }).toEqual({ status: 200, body: undefined, headers: {} });
  });

  test('passes on an error after the answer has begun', () => {
    const { req, res, next, passed } = exchange();
    const error = new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', { seen: 'x' });
    res.flushHeaders();
    mtlsErrorHandler()(error, req, res, next);
    expect(passed).toEqual([[error]]);
    expect(res.writableEnded).toBe(false);
  });
});
