import { describe, expect, test } from '@jest/globals';
import { readXfcc } from '../../../src/forwarded/xfcc.js';
import { ca } from '../../support/chain.js';
import { envoyPem, envoyValue } from '../../support/forwarded.js';
import { failureOf } from '../x509/failure.js';

const root = ca('root');
const { der: leaf } = root.client('client1');
const { der: victim } = root.client('victim');
const chain = [root.der];
const cert = `Cert="${envoyPem(leaf)}"`;
const spoofed = `Cert="${envoyPem(victim)}"`;
const whole = `Chain="${envoyPem(leaf, ...chain)}"`;

describe('one element', () => {
  test.each<[string, string, readonly Buffer[]]>([
    ['as Envoy writes it', envoyValue(leaf, chain), chain],
    ['Cert alone', `Hash=ab;${cert}`, []],
    ['Chain alone', `Hash=ab;${whole}`, chain],
    ['both, the other way round', `${whole};${cert}`, chain],
    [
      'keys in other letter case',
      `${cert.replace('Cert', 'cERT')};${whole.replace('Chain', 'CHAIN')}`,
      chain,
    ],
    ['values without quotes', `${cert};${whole}`.replaceAll('"', ''), chain],
    ['a value with what separates elements, in quotes', `Subject="a,b;Cert=\\"c\\"=d";${cert}`, []],
    ['a name that ends in a backslash, escaped', `Subject="CN=a\\\\";${cert}`, []],
    ['an equals sign in a value without quotes', `URI=http://a.test?b=c;${cert}`, []],
    ['an empty value', `Subject="";URI=;${cert}`, []],
    ['keys that may be there several times', `By=a;By=b;${cert};DNS=a;DNS=b;URI=c;URI=d`, []],
    ['white space before a key', `Hash=ab; ${cert};\t${whole}`, chain],
  ])('is read: %s', (_what, value, above) => {
    expect(readXfcc(value)).toEqual({ leaf, chain: above });
  });

  test.each([
    ['neither Cert nor Chain', 'By=a;Hash=ab;Subject="CN=client1"', 'has neither Cert nor Chain'],
    ['a second Cert', `${cert};${cert}`, 'has cert twice'],
    ['a second Cert in other letter case', `${cert};${spoofed.replace('Cert', 'CERT')}`, 'has cert twice'],
    ['a second Chain', `${whole};${whole}`, 'has chain twice'],
    ['a Cert that is empty, and another one', `Cert=;${spoofed}`, 'has cert twice'],
    [
      'a Cert that is not the first of Chain',
      `${spoofed};${whole}`,
      'has a Cert that is not the first certificate of its Chain',
    ],
    [
      'a Cert that is an intermediate of Chain',
      `Cert="${envoyPem(root.der)}";${whole}`,
      'has a Cert that is not',
    ],
    ['two certificates in Cert', `Cert="${envoyPem(leaf, victim)}"`, 'has 2 certificates'],
    ['an empty Cert', 'Cert=""', 'where a certificate begins'],
    ['an empty Chain', `${cert};Chain=""`, 'where a certificate begins'],
    ['a quote that is not closed', `${cert};Subject="CN=a`, 'has a quoted value without its end'],
    ['a quote that an escape keeps open', `Subject="CN=a\\";${cert}`, 'has '],
    ['something behind a quoted value', `Subject="a"b;${cert}`, 'has "b;Cert='],
    ['a quote within a value without quotes', `URI=a"b;${cert}`, 'has ""b;Cert='],
    ['a key without a value', `By;${cert}`, 'where a key was expected'],
    ['no key', `=a;${cert}`, 'where a key was expected'],
    ['a semicolon at the end', `${cert};`, 'where a key was expected'],
    ['a semicolon in front', `;${cert}`, 'where a key was expected'],
    ['space between a key and its value', `Cert ="${envoyPem(leaf)}"`, 'where a key was expected'],
    ['no pair at all', 'MIIB', 'where a key was expected'],
  ])('is refused: %s', (_what, value, seen) => {
    const failure = failureOf(() => readXfcc(value));
    expect(failure.code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(failure.seen).toContain(seen);
  });
});

describe('a second element is refused, wherever the one of the proxy stands', () => {
  test.each([
    ['before it, as under APPEND_FORWARD', `By=a;${spoofed},By=b;${cert}`],
    ['behind it', `By=b;${cert},By=a;${spoofed}`],
    ['with a space', `${spoofed}, ${cert}`],
    ['one without a certificate', `By=a;Hash=ab,${cert}`],
    ['an empty one behind it', `${cert},`],
    ['a value without quotes that has a comma', `URI=http://a.test/,${spoofed};${cert}`],
  ])('%s', (_what, value) => {
    expect(failureOf(() => readXfcc(value)).seen).toBe('has a second element');
  });

  test('an empty one before it has no key', () => {
    expect(failureOf(() => readXfcc(`,${cert}`)).seen).toContain('where a key was expected');
  });
});

test('a value that a client chose cannot bring a certificate of its own', () => {
  // URI and DNS names stand without quotes.
  for (const name of [`http://a.test/;${spoofed}`, `a,${spoofed}`, `a";${spoofed}`])
    expect(failureOf(() => readXfcc(`Hash=ab;${cert};${whole};URI=${name}`)).code).toBe(
      'ERR_MTLS_CERTIFICATE_INVALID',
    );
  // Of Envoy with Chain and without Cert.
  expect(failureOf(() => readXfcc(`Hash=ab;${whole};URI=a;${spoofed}`)).seen).toContain(
    'has a Cert that is not',
  );
});
