import { describe, expect, test } from '@jest/globals';
import { combineFaults, ErrorCode, MtlsError } from '../../src/errors.js';

const statuses: [ErrorCode, number][] = [
  ['ERR_MTLS_CERTIFICATE_REQUIRED', 401],
  ['ERR_MTLS_CERTIFICATE_UNTRUSTED', 401],
  ['ERR_MTLS_CERTIFICATE_EXPIRED', 401],
  ['ERR_MTLS_CERTIFICATE_REVOKED', 401],
  ['ERR_MTLS_CERTIFICATE_INVALID', 401],
  ['ERR_MTLS_REVOCATION_UNKNOWN', 503],
  ['ERR_MTLS_CLIENT_FORBIDDEN', 403],
  ['ERR_MTLS_REQUEST_MISDIRECTED', 421],
  ['ERR_MTLS_OPTION_INVALID', 500],
  ['ERR_MTLS_PEM_INVALID', 500],
  ['ERR_MTLS_KEY_MISMATCH', 500],
  ['ERR_MTLS_CRL_INVALID', 500],
  ['ERR_MTLS_CRL_SIGNATURE_INVALID', 500],
  ['ERR_MTLS_CRL_ISSUER_UNKNOWN', 500],
  ['ERR_MTLS_CRL_EXPIRED', 500],
  ['ERR_MTLS_CRL_ROLLBACK', 500],
  ['ERR_MTLS_CRL_UNSUPPORTED', 500],
];

describe('an error of this package', () => {
  test.each(statuses)('%s answers with the status %i', (code, status) => {
    const error = new MtlsError(code, 'seen, expected, remedy');
    expect(error).toMatchObject({ name: 'MtlsError', code, status, statusCode: status });
    expect(error.message).toBe('seen, expected, remedy');
    expect(error).toBeInstanceOf(Error);
    expect(ErrorCode[code]).toBe(code);
  });

  test('keeps the error behind it', () => {
    const cause = new Error('ENOENT');
    expect(new MtlsError('ERR_MTLS_OPTION_INVALID', 'no file', { cause }).cause).toBe(cause);
    expect('cause' in new MtlsError('ERR_MTLS_OPTION_INVALID', 'no file')).toBe(false);
  });

  test('is told by its name in a stack trace', () => {
    expect(String(new MtlsError('ERR_MTLS_PEM_INVALID', 'x'))).toBe('MtlsError: x');
  });
});

describe('several faults', () => {
  const faults = [
    new MtlsError('ERR_MTLS_PEM_INVALID', 'one', { cause: new Error('behind it') }),
    new MtlsError('ERR_MTLS_CRL_EXPIRED', 'two'),
  ] as const;

  test('are told in one error, with the code of the first', () => {
    const error = combineFaults(faults);
    expect(error).toMatchObject({ code: 'ERR_MTLS_PEM_INVALID', message: 'one\ntwo' });
    expect(error.errors).toStrictEqual(faults);
  });

  test('that are several themselves are told one by one', () => {
    const third = new MtlsError('ERR_MTLS_CRL_INVALID', 'three');
    const error = combineFaults([combineFaults(faults), third]);
    expect(error).toMatchObject({ message: 'one\ntwo\nthree', errors: [...faults, third] });
    expect(third.errors).toBeUndefined();
  });

  test('that are one stay as they are', () => {
    expect(combineFaults([faults[0]])).toBe(faults[0]);
    const many = Array.from(
      { length: 12 },
      (_, index) => new MtlsError('ERR_MTLS_CRL_INVALID', `fault ${index}`),
    );
    expect(combineFaults(many as [MtlsError]).message).toMatch(/^fault 0\n(.+\n){9}and 2 more$/);
    expect(combineFaults(many.slice(0, 10) as [MtlsError]).message).toMatch(/\nfault 9$/);
  });
});

test('the codes are those, and nobody can add one', () => {
  expect(Object.keys(ErrorCode).sort()).toEqual(statuses.map(([code]) => code).sort());
  expect(Object.isFrozen(ErrorCode)).toBe(true);
});
