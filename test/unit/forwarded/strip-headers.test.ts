import { describe, expect, test } from '@jest/globals';
import { checkForwardedHeader, headersToStrip } from '../../../src/forwarded/forwarded-header.js';
import { withoutHeaders } from '../../../src/forwarded/strip-headers.js';

const names = headersToStrip(checkForwardedHeader('haproxy', 'proxies.header'));

describe('header lines without certificates', () => {
  test.each([
    ['in lower case', 'client-cert'],
    ['in upper case', 'CLIENT-CERT'],
    ['in mixed case', 'Client-cErt'],
    ['with underscores', 'Client_Cert'],
    ['with both', 'client-cert_chain'],
    ['of another proxy', 'X-Forwarded-Client-Cert'],
    ['of the secret', 'Mtls-Proxy-Secret'],
  ])('%s', (_what, name) => {
    expect(withoutHeaders(['Host', 'a', name, 'b', 'Accept', '*/*'], names)).toEqual([
      'Host',
      'a',
      'Accept',
      '*/*',
    ]);
  });

  test('each of several lines is removed, first and last too', () => {
    const lines = ['Client-Cert', 'a', 'Host', 'b', 'client-cert', 'c', 'Host', 'd', 'CLIENT-CERT', 'e'];
    expect(withoutHeaders(lines, names)).toEqual(['Host', 'b', 'Host', 'd']);
  });

  test('a value that looks like a name is a value', () => {
    expect(withoutHeaders(['X-A', 'client-cert', 'X-B', 'c'], names)).toEqual([
      'X-A',
      'client-cert',
      'X-B',
      'c',
    ]);
  });

  test.each([[[]], [['Host', 'a', 'X-Client', 'client-cert']]])(
    'the same array where there are none: %p',
    (lines) => {
      expect(withoutHeaders(lines, names)).toBe(lines);
    },
  );

  test('the given lines are not changed', () => {
    const lines = Object.freeze(['Client-Cert', 'a', 'Host', 'b']);
    expect(withoutHeaders(lines, names)).toEqual(['Host', 'b']);
    expect(lines).toHaveLength(4);
  });
});
