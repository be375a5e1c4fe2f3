import { describe, expect, test } from '@jest/globals';
import { checkForwardedHeader, headersToStrip } from '../../../src/forwarded/forwarded-header.js';
import { copyWithout, withoutHeaders } from '../../../src/forwarded/strip-headers.js';

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

describe('an object of headers without certificates', () => {
  test.each([
    'client-cert',
    'client_cert',
    'client-cert_chain',
    'x-forwarded-client-cert',
    'mtls-proxy-secret',
  ])('is a copy without %s', (name) => {
    const headers = { host: 'a', [name]: 'b', 'set-cookie': ['c', 'd'], accept: '*/*' };
    const copy = copyWithout(headers, names);
    expect(copy).toEqual({ host: 'a', 'set-cookie': ['c', 'd'], accept: '*/*' });
    expect(headers).toHaveProperty(name, 'b');
  });

  test('has the prototype of the original', () => {
    expect(Object.getPrototypeOf(copyWithout({ host: 'a' }, names))).toBe(Object.prototype);
    const bare = Object.assign(Object.create(null) as object, { host: 'a', 'client-cert': 'b' });
    expect(Object.getPrototypeOf(copyWithout(bare, names))).toBeNull();
  });
});
