import { describe, expect, test } from '@jest/globals';
import {
  checkForwardedHeader,
  headersToStrip,
  secretHeader,
} from '../../../src/forwarded/forwarded-header.js';
import { proxies } from '../../support/forwarded.js';
import { failureOf } from '../x509/failure.js';

const check = (value: unknown): ReturnType<typeof checkForwardedHeader> =>
  checkForwardedHeader(value, 'proxies.header');
const mine = { name: 'X-Mine', encoding: 'percent-pem' };
const chain = { name: 'X-Mine-Chain', encoding: 'base64-der' };

describe('a preset', () => {
  test.each(Object.keys(proxies))('%s is known', (preset) => {
    const header = check(preset);
    expect(header.preset).toBe(preset);
    expect(header.certificate.name).toMatch(/^[a-z0-9-]+$/);
    expect(Object.isFrozen(header) && Object.isFrozen(header.certificate)).toBe(true);
    expect(header.chain === undefined || Object.isFrozen(header.chain)).toBe(true);
  });

  test.each([
    ['ngnix', 'nginx'],
    ['HAProxy', 'haproxy'],
    ['aws_alb', 'aws-alb'],
    ['traefic', 'traefik'],
    ['rfc-9440', 'rfc9440'],
  ])('%s is refused, and %s is meant', (value, meant) => {
    const failure = failureOf(() => check(value));
    expect(failure).toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      seen: `proxies.header is "${value}"`,
      remedy: `did you mean '${meant}'?`,
    });
    expect(failure.expected).toContain("'rfc9440', 'nginx', 'haproxy'");
  });

  test.each([['istio'], [undefined], [null], [7], [['nginx']], [''], ['__proto__'], ['toString']])(
    '%p is refused',
    (value) => {
      const { code, seen, remedy } = failureOf(() => check(value));
      expect({ code, remedy }).toEqual({ code: 'ERR_MTLS_OPTION_INVALID', remedy: undefined });
      expect(seen).toMatch(/^proxies\.header is /);
    },
  );
});

describe('a header of one’s own', () => {
  test('has its names in lower case, and is frozen', () => {
    const header = check({ ...mine, chain });
    expect(header).toEqual({
      certificate: { name: 'x-mine', encoding: 'percent-pem' },
      chain: { name: 'x-mine-chain', encoding: 'base64-der' },
      holdsChain: false,
      preset: undefined,
    });
    expect(Object.isFrozen(header.certificate) && Object.isFrozen(header.chain)).toBe(true);
  });

  test.each([
    ['percent-pem', true],
    ['spaced-pem', true],
    ['base64-der', true],
    ['xfcc', true],
    ['rfc9440', false],
  ])('of %s without a chain may hold the chain: %p', (encoding, holdsChain) => {
    expect(check({ ...mine, encoding })).toMatchObject({ holdsChain, chain: undefined });
  });

  test.each<[string, unknown, string]>([
    ['no name', { encoding: 'rfc9440' }, 'proxies.header.name is undefined'],
    ['an empty name', { ...mine, name: '' }, 'proxies.header.name is ""'],
    ['a name with a space', { ...mine, name: 'X Mine' }, 'proxies.header.name is "X Mine"'],
    ['a name with a colon', { ...mine, name: 'X-Mine:' }, 'proxies.header.name is "X-Mine:"'],
    ['a name that is not ASCII', { ...mine, name: 'X-Mín' }, 'proxies.header.name is "X-Mín"'],
    ['a name with a line break', { ...mine, name: 'X-Mine\n' }, 'proxies.header.name is "X-Mine\\n"'],
    ['a long name', { ...mine, name: 'x'.repeat(101) }, 'proxies.header.name is a long string'],
    ['no encoding', { name: 'X-Mine' }, 'proxies.header.encoding is undefined'],
    ['an unknown encoding', { ...mine, encoding: 'pem' }, 'proxies.header.encoding is "pem"'],
    ['an unknown key', { ...mine, chian: chain }, 'unknown key "chian"'],
    ['an unknown key of the chain', { ...mine, chain: { ...chain, nmae: 'a' } }, 'unknown key "nmae"'],
    ['a chain that is a name', { ...mine, chain: 'X-Chain' }, 'proxies.header.chain is "X-Chain"'],
    ['a chain that is null', { ...mine, chain: null }, 'proxies.header.chain is null'],
    [
      'a chain without an encoding',
      { ...mine, chain: { name: 'a' } },
      'proxies.header.chain.encoding is undefined',
    ],
    [
      'one name for both',
      { ...mine, chain: { ...chain, name: 'x-MINE' } },
      'proxies.header.chain.name is "x-mine"',
    ],
    [
      'a chain in xfcc',
      { ...mine, chain: { ...chain, encoding: 'xfcc' } },
      "proxies.header.chain cannot be combined with 'xfcc'",
    ],
    [
      'a chain beside xfcc',
      { ...mine, encoding: 'xfcc', chain },
      "proxies.header.chain cannot be combined with 'xfcc'",
    ],
  ])('%s is refused', (_what, value, seen) => {
    const failure = failureOf(() => check(value));
    expect(failure.code).toBe('ERR_MTLS_OPTION_INVALID');
    expect(failure.seen).toContain(seen);
  });

  test.each([
    'Host',
    'Content-Length',
    'content-type',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Proxy-Authorization',
    'Proxy-Connection',
    'HTTP2-Settings',
    'Cookie',
    'Authorization',
    'Accept',
    'Accept-Encoding',
    'If-None-Match',
    'Sec-Fetch-Mode',
    'Expect',
    'Via',
    'Forwarded',
    'X-Forwarded-For',
    'X-Real-IP',
    'Mtls-Proxy-Secret',
  ])('%s has another use, and is refused for both', (name) => {
    const expected = 'a header that has no other use';
    expect(failureOf(() => check({ ...mine, name }))).toMatchObject({ expected });
    expect(failureOf(() => check({ ...mine, chain: { ...chain, name } }))).toMatchObject({ expected });
  });

  test.each(['X-Forwarded-Client-Cert', 'ssl_client_cert', 'Via-Cert', 'X-Host', 'Viable', 'constructor'])(
    '%s has not, and is taken',
    (name) => {
      expect(check({ ...mine, name }).certificate.name).toBe(name.toLowerCase());
    },
  );

  test('all faults are told together', () => {
    const { errors } = failureOf(() => check({ name: '', encoding: '', chain: { name: 'Host' } }));
    expect(errors?.map(({ seen }) => seen.split(' ')[0])).toEqual([
      'proxies.header.name',
      'proxies.header.encoding',
      'proxies.header.chain.name',
      'proxies.header.chain.encoding',
    ]);
  });
});

describe('the headers to strip', () => {
  test.each([
    ...Object.values(proxies).map((write) => write(Buffer.alloc(0), [Buffer.alloc(0)])[0] as string),
    'Client-Cert-Chain',
    secretHeader,
    'X-Mine',
    'X-Mine-Chain',
    'Client_Cert',
    'SSL_CLIENT_CERT',
  ])('hold %s, whatever is configured', (name) => {
    expect(headersToStrip(check({ ...mine, chain })).has(name.toLowerCase())).toBe(true);
  });

  test('hold a configured name with underscores in both forms', () => {
    const names = headersToStrip(check({ ...mine, name: 'MY_CERT' }));
    expect(names.has('my_cert') && names.has('my-cert')).toBe(true);
  });

  test('hold nothing else of HTTP', () => {
    const names = headersToStrip(check('nginx'));
    for (const name of ['host', 'cookie', 'x-forwarded-for', 'authorization', 'x-mine'])
      expect(names.has(name)).toBe(false);
  });
});
