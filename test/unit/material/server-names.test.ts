import { describe, expect, test } from '@jest/globals';
import { type MtlsOptions } from '../../../src/server/options.js';
import { checkOptions } from '../../../src/server/settings.js';
import { ServerNames, type ServerNameSettings } from '../../../src/material/server-names.js';
import { failureOf } from '../x509/failure.js';

const minimal = { key: 'server-key.pem', cert: 'server-crt.pem', ca: 'ca-crt.pem', crl: 'ca-crl.pem' };
const pair = { key: 'a-key.pem', cert: 'a-crt.pem' };

function namesOf(sni: MtlsOptions['sni']): Record<string, ServerNameSettings> {
  return Object.fromEntries(checkOptions({ ...minimal, sni: sni ?? {} }).names);
}

describe('a name', () => {
  test('without CAs and CRLs has those of the server', () => {
    expect(namesOf({ 'A.example': { ...pair, passphrase: 'x' } })).toEqual({
      'a.example': { ...pair, passphrase: 'x', trust: undefined },
    });
  });

  test('with CAs has only its own CRLs, and with CRLs has the CAs of the server', () => {
    expect(
      namesOf({
        'a.example': { ...pair, ca: 'b.pem' },
        'b.example': { ...pair, ca: ['b.pem'], crl: 'b.crl' },
        'c.example': { ...pair, crl: ['c.crl'] },
      }),
    ).toMatchObject({
      'a.example': { trust: { ca: ['b.pem'], crl: [] } },
      'b.example': { trust: { ca: ['b.pem'], crl: ['b.crl'] } },
      'c.example': { trust: { ca: ['ca-crt.pem'], crl: ['c.crl'] } },
    });
  });

  test.each(['a.example', 'localhost', '*.example', 'xn--bcher-kva.example', 'a_b.example', 'a'.repeat(63)])(
    'can be %s',
    (name) => {
      expect(Object.keys(namesOf({ [name]: pair }))).toEqual([name]);
    },
  );

  test.each([
    '',
    '*',
    'a.*.example',
    '*a.example',
    '.example',
    'a..example',
    'a.example.',
    'bücher.example',
    'a.example:443',
    'a b',
    '-a.example',
    '192.0.2.1',
    '::1',
    'a'.repeat(64),
    `${'a.'.repeat(127)}example`,
  ])('cannot be "%s"', (name) => {
    const error = failureOf(() => namesOf({ [name]: pair }));
    expect(error).toMatchObject({ code: 'ERR_MTLS_OPTION_INVALID' });
    expect(error.message).toMatch(
      /^sni has ".*", which no client can request; expected an ASCII name such as/,
    );
  });
});

describe('sni is rejected', () => {
  test.each<[unknown, string]>([
    [undefined, 'sni is undefined; expected an object'],
    [[], 'sni is an array; expected an object'],
    [{}, 'sni is {}, without a name; expected at least one'],
    [{ 'a.example': pair, 'A.EXAMPLE': pair }, 'sni has the name "a.example" twice; remove one'],
    [{ 'a.example': undefined }, 'sni["a.example"] is undefined; expected an object'],
    [
      { 'a.example': { ...pair, clients: 'optional' } },
      'sni["a.example"] has the unknown key "clients"; known are key, cert, passphrase, credentials, ca, crl',
    ],
    [{ 'a.example': { cert: 'x' } }, 'sni["a.example"].key is undefined; expected a path, PEM text'],
    [{ 'a.example': { key: 'x' } }, 'sni["a.example"].cert is undefined'],
    [{ 'a.example': { ...pair, passphrase: '' } }, 'sni["a.example"].passphrase must be a non-empty string'],
    [{ 'a.example': { ...pair, ca: [] } }, 'sni["a.example"].ca is [], an empty array'],
    [{ 'a.example': { ...pair, ca: undefined } }, 'sni["a.example"].ca is undefined'],
    [{ 'a.example': { ...pair, crl: undefined } }, 'sni["a.example"].crl is undefined'],
    [{ 'a.example': { ...pair, crl: ['x', 5] } }, 'sni["a.example"].crl[1] is 5'],
  ])('%j', (sni, message) => {
    const error = failureOf(() => checkOptions({ ...minimal, sni: sni as MtlsOptions['sni'] & object }));
    expect(error.message).toContain(message);
    expect(error.code).toBe('ERR_MTLS_OPTION_INVALID');
  });

  test('together with resumption: true', () => {
    const options = { ...minimal, sni: { 'a.example': pair } };
    expect(checkOptions(options).resumption).toBe(false);
    expect(checkOptions({ ...options, resumption: false }).resumption).toBe(false);
    expect(failureOf(() => checkOptions({ ...options, resumption: true })).message).toMatch(
      /^resumption: true and sni cannot be combined/,
    );
  });
});

describe('the name that a host matches', () => {
  const names = new ServerNames(['a.example', '*.b.example', 'c.b.example']);
  test.each<[string, string | undefined]>([
    ['a.example', 'a.example'],
    ['A.EXAMPLE', 'a.example'],
    ['a.example.', 'a.example'],
    ['x.a.example', undefined],
    ['x.b.example', '*.b.example'],
    ['c.b.example', 'c.b.example'],
    ['x.y.b.example', undefined],
    ['b.example', undefined],
    ['.b.example', undefined],
    ['*.b.example', '*.b.example'],
    ['', undefined],
    ['localhost', undefined],
    ['127.0.0.1', undefined],
  ])('%s', (host, name) => {
    expect(names.find(host)).toBe(name);
  });
});
