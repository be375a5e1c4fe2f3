import { describe, expect, test } from '@jest/globals';
import { writeForwarded } from '../../../src/forwarded/forwarded-certificate.js';
import type { ForwardedPreset } from '../../../src/forwarded/forwarded-header.js';
import { ca } from '../../support/chain.js';
import { sequence } from '../../support/der-writer.js';
import {
  apacheValue,
  awsValue,
  envoyPem,
  nginxValue,
  proxies,
  sendsChain,
  sfBytes,
  sfList,
  traefikValue,
} from '../../support/forwarded.js';
import { certificateOf, faultOf, read } from './reading.js';

const root = ca('root');
const east = root.intermediate('east');
const { der: leaf } = east.client({ commonName: 'client1' });
const { der: other } = east.client({ commonName: 'other', key: 'rsa2048' });
const chain = [east.der, root.der];
const presets = Object.keys(proxies) as ForwardedPreset[];
const nameOf = (preset: ForwardedPreset): string => proxies[preset](leaf, [])[0] as string;
/** A certificate of a given size, as far as its outermost element shows. */
const certificateOfSize = (bytes: number): Buffer => sequence(Buffer.alloc(bytes - 4, 0x05));

describe.each(presets)('%s', (preset) => {
  const name = nameOf(preset);

  test('the certificate is read, and what the proxy sent above it', () => {
    const lines = proxies[preset](leaf, chain);
    const certificate = certificateOf(preset, ...lines);
    expect(certificate.leaf).toEqual(leaf);
    expect(certificate.chain).toEqual(sendsChain.has(preset) ? chain : []);
  });

  test('a client that sent nothing above its certificate is read too', () => {
    expect(certificateOf(preset, ...proxies[preset](other, []))).toMatchObject({ leaf: other, chain: [] });
  });

  test('the name of the header has no letter case', () => {
    const [, value = ''] = proxies[preset](leaf, []);
    expect(certificateOf(preset, name.toUpperCase(), value).leaf).toEqual(leaf);
    expect(certificateOf(preset, name.toLowerCase(), value).leaf).toEqual(leaf);
  });

  test('without the header the caller is anonymous', () => {
    expect(read(preset)).toBeUndefined();
    expect(read(preset, 'X-Other', 'a')).toBeUndefined();
  });

  test('an underscore in the place of a dash is another header', () => {
    const [, value = ''] = proxies[preset](leaf, []);
    expect(read(preset, name.replaceAll('-', '_'), value)).toBeUndefined();
  });

  test.each([
    ['an empty value', '', 'is empty'],
    ['the empty Byte Sequence of HAProxy', '::', 'is "::", an empty Byte Sequence'],
    ['the word of Apache', '(null)', 'is "(null)"'],
    [
      'the placeholder of Caddy',
      ':{http.request.tls.client.certificate_der_base64}:',
      'is a placeholder that was not replaced',
    ],
    ['a placeholder in braces', '{client_cert_leaf}', 'is a placeholder that was not replaced'],
    ['a variable of nginx', '$ssl_client_escaped_cert', 'is a variable of a proxy that was not replaced'],
    ['a format of HAProxy', ':%[ssl_c_der,base64]:', 'is a variable of a proxy that was not replaced'],
    ['a format of Apache', '%{SSL_CLIENT_CERT}s', 'is a variable of a proxy that was not replaced'],
    ['a dash', '-', 'is a word for "none"'],
    ['null', 'null', 'is a word for "none"'],
    ['undefined', 'undefined', 'is a word for "none"'],
  ])('%s is refused by its name, and the remedy is in the configuration', (_what, value, seen) => {
    const fault = faultOf(preset, name, value);
    expect(fault.seen).toContain(`${name.toLowerCase()} ${seen}`);
    expect(fault.remedy).toMatch(/leave the header out|correct its name/);
    expect(fault.remedy).toMatch(/^.*; (?:in [A-Z]|in nginx|in the Ingress|have the proxy set Client-Cert)/);
  });

  test.each([
    ['the same certificate twice', leaf],
    ['another certificate', other],
  ])('two lines are refused, whatever is in them: %s', (_what, second) => {
    const [, first = ''] = proxies[preset](leaf, []);
    const [, value = ''] = proxies[preset](second, []);
    expect(faultOf(preset, name, first, name.toUpperCase(), value).seen).toBe(
      `the request has several lines of ${name.toLowerCase()}`,
    );
    expect(faultOf(preset, name, '', name, value).seen).toContain('several lines');
  });

  test('two lines that a proxy joined are refused, and so is a comma at an end', () => {
    const [, spoofed = ''] = proxies[preset](other, []);
    const [, value = ''] = proxies[preset](leaf, []);
    for (const joined of [
      `${spoofed}, ${value}`,
      `${value}, ${spoofed}`,
      `${value},`,
      `,${value}`,
      `${value}, `,
    ])
      expect(faultOf(preset, name, joined).seen).toContain(name.toLowerCase());
  });

  test('a value of more than 65,536 characters is refused before it is read', () => {
    const fault = faultOf(preset, name, 'A'.repeat(65_537));
    expect(fault).toMatchObject({
      seen: `${name.toLowerCase()} has 65537 characters`,
      expected: 'at most 65536',
    });
  });

  test('a certificate of more than 16,384 bytes is refused', () => {
    const largest = certificateOfSize(16_384);
    expect(certificateOf(preset, ...proxies[preset](largest, [])).leaf).toEqual(largest);
    expect(faultOf(preset, ...proxies[preset](certificateOfSize(16_385), []))).toMatchObject({
      seen: `${name.toLowerCase()} has a certificate of 16385 bytes`,
      expected: 'at most 16384',
    });
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['no SEQUENCE', Buffer.from('hello')],
    ['a SEQUENCE that is cut off', leaf.subarray(0, -1)],
    ['a byte behind the SEQUENCE', Buffer.concat([leaf, Buffer.of(0)])],
    ['a second certificate behind it', Buffer.concat([leaf, other])],
    ['a length that is not in the shortest form', Buffer.from('30820001ff', 'hex')],
    ['an indefinite length', Buffer.from('30800000', 'hex')],
  ])('bytes that are not one SEQUENCE of DER are refused: %s', (_what, bytes) => {
    expect(faultOf(preset, ...proxies[preset](bytes, [])).seen).toContain(name.toLowerCase());
  });

  test('a fault has at most a short excerpt of what was sent, and every character of it is visible', () => {
    for (const value of [
      `\u0007\u001b[2J${'x'.repeat(200)}`,
      `secret-${'y'.repeat(200)}`,
      `Cert="\u009b\u00ad"${'z'.repeat(99)}`,
    ]) {
      const { seen, expected = '', remedy } = faultOf(preset, name, value);
      expect(`${seen}${expected}${remedy}`).toMatch(/^[\x20-\x7e…]*$/);
      expect(seen.length).toBeLessThan(200);
      expect(seen).not.toMatch(/x{40}|y{40}|z{40}/);
    }
  });
});

describe('presets of the leaf alone', () => {
  test.each<[ForwardedPreset, string]>([
    ['nginx', nginxValue(leaf, east.der)],
    ['ingress-nginx', nginxValue(leaf, east.der)],
    ['aws-alb-verify', awsValue(leaf, east.der)],
    ['apache', apacheValue(leaf, east.der)],
    ['azure-app-service', traefikValue(leaf, east.der)],
    ['cloudflare', traefikValue(leaf, east.der)],
  ])('%s: a second certificate is refused, because it may be the real one', (preset, value) => {
    expect(faultOf(preset, nameOf(preset), value)).toMatchObject({
      seen: `${nameOf(preset).toLowerCase()} has 2 certificates`,
      expected: 'one',
    });
  });

  test.each<ForwardedPreset>(['rfc9440', 'haproxy', 'gcp', 'caddy'])(
    '%s: so is a second Byte Sequence',
    (preset) => {
      expect(faultOf(preset, 'Client-Cert', sfList(leaf, other)).seen).toMatch(/^client-cert has ", :/);
      expect(faultOf(preset, 'Client-Cert', sfBytes(leaf, other)).seen).toBe(
        'client-cert has 2 certificates',
      );
    },
  );

  test('Client-Cert-Chain is not looked at where the preset has none', () => {
    expect(certificateOf('caddy', 'Client-Cert', sfBytes(leaf), 'Client-Cert-Chain', 'x').chain).toEqual([]);
  });
});

describe('ten certificates are the most', () => {
  const nine = Array.from({ length: 9 }, (_, index) => root.intermediate(`ca${index}`).der);
  const ten = [...nine, root.der];

  test.each([...sendsChain] as ForwardedPreset[])('%s', (preset) => {
    expect(certificateOf(preset, ...proxies[preset](leaf, nine)).chain).toEqual(nine);
    expect(faultOf(preset, ...proxies[preset](leaf, ten))).toMatchObject({
      seen: expect.stringMatching(/ has more than 10 certificates$/),
      expected: 'at most 10',
    });
  });

  test('DER after DER beyond the limit is not read', () => {
    const value = sfBytes(...ten, Buffer.from('no certificate'));
    expect(faultOf('haproxy', 'Client-Cert', sfBytes(leaf), 'Client-Cert-Chain', value).seen).toBe(
      'client-cert-chain has more than 10 certificates',
    );
  });

  test('members of a List beyond the limit are not read', () => {
    const value = [...ten.map((der) => sfBytes(der)), ':no base64!:'].join(', ');
    expect(faultOf('rfc9440', 'Client-Cert', sfBytes(leaf), 'Client-Cert-Chain', value).seen).toBe(
      'client-cert-chain has more than 10 certificates',
    );
  });
});

describe('a chain of its own', () => {
  const withChain = (value: string): ReturnType<typeof read> =>
    read('rfc9440', 'Client-Cert-Chain', value, 'Client-Cert', sfBytes(leaf));

  test.each([
    ['an empty List (RFC 8941 section 4.2)', ''],
    ['what HAProxy sends on a resumed session', '::'],
  ])('%s is no certificate above the leaf', (_what, value) => {
    expect(withChain(value)).toMatchObject({ leaf, chain: [] });
  });

  test('may be DER after DER, in one member or in several', () => {
    expect(withChain(sfBytes(...chain))).toMatchObject({ leaf, chain });
    expect(withChain(`${sfBytes(east.der)}, ${sfBytes(root.der, east.der)}`)).toMatchObject({
      chain: [east.der, root.der, east.der],
    });
  });

  test.each([
    ['as the first member', sfList(leaf, ...chain)],
    ['as the first of DER after DER', sfBytes(leaf, ...chain)],
  ])('may begin with the leaf, which is dropped: %s', (_what, value) => {
    expect(withChain(value)).toMatchObject({ leaf, chain });
  });

  test.each([
    ['(null)', 'is "(null)"'],
    ['{client_cert_chain}', 'is a placeholder'],
    ['x', 'has "x"'],
    [`${sfBytes(east.der)}, ::`, 'has an empty certificate'],
    [`${sfBytes(east.der)}, "a"`, 'has "\\"a\\""'.replaceAll('\\', '')],
    [`${sfBytes(east.der)},`, 'has ""'],
    [`${sfBytes(east.der)} x`, 'has "x" after'],
    [sfBytes(east.der, Buffer.of(0)), 'has bytes that are not a certificate'],
  ])('%s is refused', (value, seen) => {
    const fault = withChain(value);
    expect(fault).toMatchObject({ seen: expect.stringContaining(`client-cert-chain ${seen}`) });
  });

  test('is refused without the certificate (RFC 9440 section 2.3), also where it is empty', () => {
    for (const value of [sfList(...chain), ''])
      expect(faultOf('rfc9440', 'Client-Cert-Chain', value)).toMatchObject({
        seen: 'client-cert-chain came without client-cert',
        expected: 'both or neither',
      });
  });

  test('in several lines is refused, though a List may be split', () => {
    const lines = chain.flatMap((der) => ['Client-Cert-Chain', sfBytes(der)]);
    expect(faultOf('rfc9440', 'Client-Cert', sfBytes(leaf), ...lines).seen).toBe(
      'the request has several lines of client-cert-chain',
    );
  });

  test('may be in any encoding of its own', () => {
    const values = {
      'percent-pem': nginxValue(...chain),
      'spaced-pem': apacheValue(...chain),
      'base64-der': traefikValue(...chain),
      rfc9440: sfList(...chain),
    };
    for (const [encoding, value] of Object.entries(values))
      expect(
        certificateOf(
          { name: 'X-Cert', encoding: 'base64-der', chain: { name: 'X-Chain', encoding } },
          'X-Cert',
          traefikValue(leaf),
          'X-Chain',
          value,
        ),
      ).toMatchObject({ leaf, chain });
  });

  test('HAProxy may send it in plain base64', () => {
    const header = {
      name: 'X-Cert',
      encoding: 'base64-der',
      chain: { name: 'X-Chain', encoding: 'base64-der' },
    };
    const value = Buffer.concat(chain).toString('base64');
    expect(certificateOf(header, 'X-Cert', traefikValue(leaf), 'X-Chain', value)).toMatchObject({
      leaf,
      chain,
    });
  });
});

describe('a header of one’s own', () => {
  test.each([
    ['percent-pem', nginxValue(leaf, ...chain)],
    ['spaced-pem', apacheValue(leaf, ...chain)],
    ['base64-der', traefikValue(leaf, ...chain)],
    ['xfcc', `Chain=${envoyPem(leaf, ...chain)}`],
  ])('%s may hold what is above the leaf, where the chain has no header of its own', (encoding, value) => {
    expect(certificateOf({ name: 'X-Mine', encoding }, 'x-mine', value)).toMatchObject({ leaf, chain });
  });

  test.each([
    ['percent-pem', nginxValue(leaf, east.der)],
    ['spaced-pem', apacheValue(leaf, east.der)],
    ['base64-der', traefikValue(leaf, east.der)],
  ])('%s may not, where it has', (encoding, value) => {
    const header = { name: 'X-Mine', encoding, chain: { name: 'X-Chain', encoding } };
    expect(faultOf(header, 'X-Mine', value).seen).toBe('x-mine has 2 certificates');
  });

  test('the remedy for XFCC is in the configuration of Envoy', () => {
    const { seen, remedy } = faultOf({ name: 'X-Mine', encoding: 'xfcc' }, 'X-Mine', 'By=a;Hash=b');
    expect(seen).toBe('x-mine has neither Cert nor Chain');
    expect(remedy).toMatch(/SANITIZE_SET.*set_current_client_cert_details/);
  });

  test('the remedy names the header and the form that it should have', () => {
    expect(faultOf({ name: 'X-Mine', encoding: 'percent-pem' }, 'X-Mine', traefikValue(leaf)).remedy).toBe(
      'have the proxy set x-mine to percent-encoded PEM, or configure the encoding that it sends',
    );
  });
});

describe('what is written for a backend', () => {
  test('is what RFC 9440 says, and reads as what was written', () => {
    const headers = writeForwarded(leaf, chain);
    expect(headers).toEqual({ 'Client-Cert': sfBytes(leaf), 'Client-Cert-Chain': sfList(...chain) });
    expect(certificateOf('rfc9440', ...Object.entries(headers).flat())).toMatchObject({ leaf, chain });
  });

  test('has no chain where there is none', () => {
    expect(writeForwarded(leaf, [])).toEqual({ 'Client-Cert': sfBytes(leaf) });
  });
});

test('the examples of RFC 9440, appendix A, are read', () => {
  const certificate =
    'MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=';
  expect(certificateOf('rfc9440', 'Client-Cert', `:${certificate}:`).leaf).toEqual(
    Buffer.from(certificate, 'base64'),
  );
});
