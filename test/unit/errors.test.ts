import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { combineFaults, dataOf, ErrorCode, errorOf, locating, MtlsError } from '../../src/errors.js';
import { run } from '../support/program.js';

const statuses: [ErrorCode, number][] = [
  ['ERR_MTLS_CERTIFICATE_REQUIRED', 401],
  ['ERR_MTLS_CERTIFICATE_UNTRUSTED', 401],
  ['ERR_MTLS_CERTIFICATE_EXPIRED', 401],
  ['ERR_MTLS_CERTIFICATE_REVOKED', 401],
  ['ERR_MTLS_CERTIFICATE_INVALID', 401],
  ['ERR_MTLS_REVOCATION_UNKNOWN', 503],
  ['ERR_MTLS_CLIENT_FORBIDDEN', 403],
  ['ERR_MTLS_TOKEN_REQUIRED', 401],
  ['ERR_MTLS_TOKEN_INVALID', 401],
  ['ERR_MTLS_PROXY_UNTRUSTED', 403],
  ['ERR_MTLS_HEADER_INVALID', 400],
  ['ERR_MTLS_OVERLOADED', 503],
  ['ERR_MTLS_REQUEST_MISDIRECTED', 421],
  ['ERR_MTLS_OPTION_INVALID', 500],
  ['ERR_MTLS_STATE_INVALID', 500],
  ['ERR_MTLS_STORE_FAILED', 500],
  ['ERR_MTLS_SERVER_UNPROTECTED', 500],
  ['ERR_MTLS_RUNTIME_UNSUPPORTED', 500],
  ['ERR_MTLS_SOURCE_UNREADABLE', 500],
  ['ERR_MTLS_PASSPHRASE_INVALID', 500],
  ['ERR_MTLS_FORMAT_UNSUPPORTED', 500],
  ['ERR_MTLS_SERVER_CERTIFICATE_INVALID', 500],
  ['ERR_MTLS_CA_INVALID', 500],
  ['ERR_MTLS_TLS_CONFIG_INVALID', 500],
  ['ERR_MTLS_REQUEST_INVALID', 500],
  ['ERR_MTLS_CA_FOLDER_INVALID', 500],
  ['ERR_MTLS_CA_LOCKED', 500],
  ['ERR_MTLS_FILE_EXISTS', 500],
  ['ERR_MTLS_CERTIFICATE_NOT_FOUND', 500],
  ['ERR_MTLS_SERVER_UNREACHABLE', 500],
  ['ERR_MTLS_ABORTED', 500],
  ['ERR_MTLS_INTERNAL', 500],
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
  test.each(statuses)('%s has the status %i', (code, status) => {
    const error = new MtlsError(code, { seen: 'it is so' });
    expect(error).toMatchObject({ name: 'MtlsError', code, status, statusCode: status });
    expect(error.message).toBe('it is so');
    expect(error).toBeInstanceOf(Error);
    expect(ErrorCode[code]).toBe(code);
  });

  test('exposes its message to clients for refusals, unless it names a file', () => {
    const exposed = (code: ErrorCode, source?: string): boolean =>
      new MtlsError(code, { seen: 'it is so', source }).expose;
    expect(exposed('ERR_MTLS_CLIENT_FORBIDDEN')).toBe(true);
    expect(exposed('ERR_MTLS_CERTIFICATE_INVALID', '/etc/ca.pem')).toBe(false);
    expect(exposed('ERR_MTLS_REVOCATION_UNKNOWN')).toBe(false);
    expect(exposed('ERR_MTLS_OPTION_INVALID')).toBe(false);
  });

  test('is recognised by instanceof, and its look-alikes are not', () => {
    class Special extends MtlsError {}
    const [error, special] = [MtlsError, Special].map(
      (Kind) => new Kind('ERR_MTLS_CLIENT_FORBIDDEN', { seen: 'no' }),
    );
    expect(special).toBeInstanceOf(MtlsError);
    expect(special).toBeInstanceOf(Special);
    expect(error).not.toBeInstanceOf(Special);
    for (const other of [
      undefined,
      null,
      'MtlsError',
      new Error('no'),
      { ...error },
      JSON.parse('{"name":"MtlsError"}'),
    ])
      expect(other instanceof MtlsError).toBe(false);
  });

  test('keeps its cause', () => {
    const cause = new Error('ENOENT');
    expect(new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: 'no file' }, { cause }).cause).toBe(cause);
    expect('cause' in new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: 'no file' })).toBe(false);
  });

  test.each([
    [{ seen: 'it is 3' }, 'it is 3'],
    [{ seen: 'it is 3', expected: '4' }, 'it is 3; expected 4'],
    [{ seen: 'it failed: Closed.', remedy: 'try again.' }, 'it failed: Closed; try again.'],
    [{ seen: 'it waits ...', remedy: 'wait' }, 'it waits ...; wait'],
    [{ seen: 'it failed: Closed.' }, 'it failed: Closed.'],
    [{ seen: 'it is 3', remedy: 'add one' }, 'it is 3; add one'],
    [
      { source: 'a.pem', seen: 'it is 3', expected: '4', remedy: 'add one' },
      'a.pem: it is 3; expected 4; add one',
    ],
  ])('has a message composed of its parts: %j', (details, message) => {
    const error = new MtlsError('ERR_MTLS_PEM_INVALID', details);
    expect(error.message).toBe(message);
    expect(error).toMatchObject(details);
  });

  test('combines an outer place with the one that it already names', () => {
    const fail = (source?: string) => (): never => {
      throw new MtlsError('ERR_MTLS_CERTIFICATE_INVALID', {
        seen: 'it is cut off',
        remedy: 'fetch it',
        source,
      });
    };
    expect(() => locating('a.pem', fail())).toThrow('a.pem: it is cut off; fetch it');
    expect(() => locating('a.pem', fail('number 2'))).toThrow('a.pem: number 2: it is cut off; fetch it');
    expect(() => locating('a.pem', fail('a.pem'))).toThrow(/^a\.pem: it is cut off; fetch it$/);
    expect(() => locating('a.pem', fail(), 'ERR_MTLS_PEM_INVALID')).toThrow(
      expect.objectContaining({
        code: 'ERR_MTLS_PEM_INVALID',
        source: 'a.pem',
        seen: 'it is cut off',
      }),
    );
    const other = new Error('another kind');
    expect(() =>
      locating('a.pem', () => {
        throw other;
      }),
    ).toThrow(other);
  });

  test('is unchanged after a transfer between threads', () => {
    const one = new MtlsError('ERR_MTLS_CRL_EXPIRED', { seen: 'a', expected: 'b', remedy: 'c', source: 'd' });
    const both = combineFaults([one, new MtlsError('ERR_MTLS_CRL_INVALID', { seen: 'e' })]);
    for (const error of [one, both]) {
      const arrived = errorOf(structuredClone(dataOf(error)));
      expect(arrived).toBeInstanceOf(MtlsError);
      expect(arrived.message).toBe(error.message);
      expect(dataOf(arrived)).toEqual(dataOf(error));
    }
  });

  test('appears with its name in a stack trace', () => {
    expect(String(new MtlsError('ERR_MTLS_PEM_INVALID', { seen: 'x' }))).toBe('MtlsError: x');
  });
});

describe('several faults', () => {
  const faults = [
    new MtlsError('ERR_MTLS_PEM_INVALID', { seen: 'one' }, { cause: new Error('behind it') }),
    new MtlsError('ERR_MTLS_CRL_EXPIRED', { seen: 'two' }),
  ] as const;

  test('are combined in one error, with the code of the first', () => {
    const error = combineFaults(faults);
    expect(error).toMatchObject({ code: 'ERR_MTLS_PEM_INVALID', message: 'one\ntwo' });
    expect(error.errors).toStrictEqual(faults);
  });

  test('are flattened', () => {
    const third = new MtlsError('ERR_MTLS_CRL_INVALID', { seen: 'three' });
    const error = combineFaults([combineFaults(faults), third]);
    expect(error).toMatchObject({ message: 'one\ntwo\nthree', errors: [...faults, third] });
    expect(third.errors).toBeUndefined();
  });

  test('stay unchanged if there is only one', () => {
    expect(combineFaults([faults[0]])).toBe(faults[0]);
    const many = Array.from(
      { length: 12 },
      (_, index) => new MtlsError('ERR_MTLS_CRL_INVALID', { seen: `fault ${index}` }),
    );
    expect(combineFaults(many as [MtlsError]).message).toMatch(/^fault 0\n(.+\n){9}and 2 more$/);
    expect(combineFaults(many.slice(0, 10) as [MtlsError]).message).toMatch(/\nfault 9$/);
  });

  test('prints each sentence once, and the call of the user, if nothing catches it', async () => {
    const { output, exitCode } = await run('test/support/two-faults-program.ts');
    expect(exitCode).toBe(1);
    const lines = output.trimEnd().split('\n');
    expect(lines.length).toBeLessThan(15);
    for (const meant of ['crl', 'watch'])
      expect(lines.filter((line) => line.includes(`did you mean "${meant}"?`))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('    at '))).toStrictEqual([
      expect.stringMatching(/two-faults-program\.ts:\d+:\d+/),
    ]);
    expect(output).toContain("code: 'ERR_MTLS_OPTION_INVALID'");
  });

  test('is printed briefly by console.error() too, and keeps its parts', () => {
    const error = combineFaults(faults);
    expect(inspect(error)).not.toContain('seen');
    expect(inspect(error)).toContain('errors: [Getter]');
    expect(error).toMatchObject({ status: 500, seen: '2 faults', errors: faults });
    expect((JSON.parse(JSON.stringify(error)) as MtlsError).errors).toHaveLength(2);
  });
});

test('the codes are complete and frozen', () => {
  expect(Object.keys(ErrorCode).sort()).toEqual(statuses.map(([code]) => code).sort());
  expect(Object.isFrozen(ErrorCode)).toBe(true);
});
