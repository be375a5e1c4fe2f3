import { describe, expect, test } from '@jest/globals';
import { checkProxies } from '../../../src/gate/proxy-options.js';
import { MtlsError } from '../../../src/errors.js';
import { clientIn } from '../../support/exchange.js';

const secret = Buffer.alloc(32, 'x');
const tls = { key: 'key.pem', cert: 'crt.pem' };

function refusal(options: object): string {
  try {
    checkProxies(options);
  } catch (error) {
    if (error instanceof MtlsError && error.code === 'ERR_MTLS_OPTION_INVALID') return error.message;
    throw error;
  }
  return 'is taken';
}

const fromOf = (from: unknown, rest: object = {}): object => ({
  ...rest,
  proxies: { from, header: 'nginx' },
});

describe('proxies is refused', () => {
  test.each<[string, object, RegExp]>([
    ['without from', { proxies: { header: 'nginx' } }, /proxies\.from is undefined; expected \{ ca, rule \}/],
    ['without a way', fromOf({}), /proxies\.from does not say how a proxy proves itself; expected one of ca/],
    [
      'with two ways',
      fromOf({ socket: true, secret }),
      /proxies\.from has socket and secret; expected one of/,
    ],
    ['with an unknown key', fromOf({ secret, mode: 0o600 }), /unknown key "mode"/],
    ['without a rule', fromOf({ ca: 'ca.pem' }, tls), /proxies\.from\.rule is missing/],
    ['with an empty rule', fromOf({ ca: 'ca.pem', rule: {} }, tls), /the rule is empty/],
    ['with a function', fromOf({ ca: 'ca.pem', rule: () => true }, tls), /contains a function/],
    [
      'by certificate without TLS',
      fromOf({ ca: 'ca.pem', rule: { commonName: 'nginx' } }),
      /needs a server with TLS/,
    ],
    ['by socket with TLS', fromOf({ socket: true }, tls), /is for a server without TLS/],
    ['by socket with false', fromOf({ socket: false }), /proxies\.from\.socket is false; expected true/],
    ['with another mode', fromOf({ socket: true, mode: 0o666 }), /expected 0o600 or 0o660/],
    ['with no address', fromOf({ addresses: [] }), /proxies\.from\.addresses is an array; expected a list/],
    ['with no CIDR', fromOf({ addresses: ['10.0.0.0/33'] }), /addresses\[0\] is "10\.0\.0\.0\/33"/],
    ['with a name', fromOf({ addresses: ['proxy.example'] }), /addresses\[0\] is "proxy\.example"/],
    ['with a misspelt preset', { proxies: { from: { secret }, header: 'ngnix' } }, /did you mean 'nginx'\?/],
    ['with sni', { ...fromOf({ secret }), sni: {} }, /proxies and sni exclude each other/],
    [
      'with native refusals',
      { ...fromOf({ secret }), refusals: 'native' },
      /refusals: 'native' exclude each other/,
    ],
    [
      'with direct clients and no TLS',
      { proxies: { from: { secret }, header: 'nginx', direct: 'admit' } },
      /proxies\.direct: 'admit' needs a server with TLS/,
    ],
    [
      'with another address header',
      { proxies: { from: { secret }, header: 'nginx', clientAddress: 'x-client-ip' } },
      /proxies\.clientAddress is "x-client-ip"; expected one of/,
    ],
  ])('%s', (_, options, message) => {
    expect(refusal(options)).toMatch(message);
  });

  test.each<[string, unknown]>([
    ['text', 'a-secret-that-is-long-enough-to-be-one'],
    ['too short', Buffer.from('a-short-secret')],
    ['with a space', Buffer.from('a secret that is long enough to be one')],
    ['a list without one', []],
    ['an object without a path', { file: 'secret' }],
  ])('where the secret is %s, and nothing of it is shown', (_, given) => {
    const message = refusal(fromOf({ secret: given }));
    expect(message).toMatch(/secret/);
    expect(message).not.toMatch(/long.enough|a-short/);
  });
});

describe('a proxy', () => {
  const isProxy = (rule: unknown): boolean | undefined =>
    checkProxies(fromOf({ ca: 'ca.pem', rule }, tls))?.isProxy?.(clientIn('nginx'));

  test('is the certificate that the rule names, and no other', () => {
    expect(isProxy({ commonName: 'nginx' })).toBe(true);
    expect(isProxy({ commonName: 'haproxy' })).toBe(false);
  });

  test.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['2001:db8::/32', '2001:db8::1', true],
    ['::1', '::1', true],
  ])('from %s may come from %s: %s', (network, address, isAmong) => {
    const { addresses } = checkProxies(fromOf({ addresses: [network] })) ?? {};
    expect(addresses?.check(address, address.includes(':') ? 'ipv6' : 'ipv4')).toBe(isAmong);
  });

  test('by a Unix socket has the mode 0o660', () => {
    expect(checkProxies(fromOf({ socket: true }))?.socketMode).toBe(0o660);
  });
});
