import { expect, test } from '@jest/globals';
import { spiffeTrustDomain } from '../../../src/x509/spiffe-id.js';
import { fastestTurn } from '../../support/cpu-time.js';

test.each([
  ['spiffe://example.org', 'example.org'],
  ['spiffe://example.org/api', 'example.org'],
  ['spiffe://example.org/ns/prod/sa/Client_1', 'example.org'],
  ['spiffe://a', 'a'],
  ['spiffe://my_trust-domain.1/x', 'my_trust-domain.1'],
  ['spiffe://10.2.3.4/x', '10.2.3.4'],
  ['spiffe://example.org/...', 'example.org'],
  ['spiffe://example.org/.hidden/..x', 'example.org'],
  [`spiffe://${'a'.repeat(255)}/x`, 'a'.repeat(255)],
  [`spiffe://a/${'x'.repeat(2048 - 11)}`, 'a'],
])('%s is of the trust domain %s', (uri, domain) => {
  expect(spiffeTrustDomain(uri)).toBe(domain);
});

test.each([
  ['no text', ''],
  ['another scheme', 'https://example.org/api'],
  ['a scheme in upper case', 'SPIFFE://example.org/api'],
  ['no trust domain', 'spiffe:///api'],
  ['nothing after the scheme', 'spiffe://'],
  ['a trust domain in upper case', 'spiffe://Example.org/api'],
  ['a port', 'spiffe://example.org:443/api'],
  ['user information', 'spiffe://user@example.org/api'],
  ['a query', 'spiffe://example.org/api?x=1'],
  ['a fragment', 'spiffe://example.org/api#x'],
  ['a slash at the end', 'spiffe://example.org/'],
  ['a slash at the end of a path', 'spiffe://example.org/api/'],
  ['an empty segment', 'spiffe://example.org//api'],
  ['a dot', 'spiffe://example.org/./api'],
  ['two dots', 'spiffe://example.org/api/../admin'],
  ['two dots at the end', 'spiffe://example.org/api/..'],
  ['a percent', 'spiffe://example.org/%61pi'],
  ['a percent in the trust domain', 'spiffe://ex%61mple.org/api'],
  ['a letter that is not ASCII', 'spiffe://exämple.org/api'],
  ['a newline at the end', 'spiffe://example.org/api\n'],
  ['a space at the front', ' spiffe://example.org/api'],
  ['a backslash', 'spiffe://example.org\\api'],
  ['a trust domain of 256 characters', `spiffe://${'a'.repeat(256)}/x`],
  ['2049 characters', `spiffe://a/${'x'.repeat(2048 - 10)}`],
])('%s makes no SPIFFE ID', (_name, uri) => {
  expect(spiffeTrustDomain(uri)).toBeUndefined();
});

test('a long URI that fails at its end fails at once', () => {
  const check = (): void => {
    for (let run = 0; run < 100; run++) spiffeTrustDomain(`spiffe://a${'/x'.repeat(1000)}/%`);
  };
  expect(fastestTurn(check)).toBeLessThan(500);
});
