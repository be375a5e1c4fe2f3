import { describe, expect, test } from '@jest/globals';
import { type ClientRule, compileRule } from '../../../src/policy/client-rule.js';
import { type ClientRuleFields } from '../../../src/policy/rule-fields.js';
import { type CertificateOptions, purposes } from '../../support/chain.js';
import { failureOf } from '../x509/failure.js';
import { ask, caller, request } from './callers.js';

/** The message of the refusal; its code is asserted. */
function refusal(rule: unknown): string {
  const { code, message } = failureOf(() => compileRule(rule as ClientRule));
  expect(code).toBe('ERR_MTLS_OPTION_INVALID');
  return message;
}

const client: CertificateOptions = {
  commonName: 'client1',
  organization: ['Example', 'Beispiel'],
  organizationalUnit: ['ops', 'dev'],
  serial: '00aBcD',
  extendedKeyUsage: [purposes.clientAuth, purposes.codeSigning],
  sans: {
    dns: ['a.example.org', 'B.example.org'],
    email: ['Ann@Example.org', 'bob@example.org'],
    uri: ['spiffe://prod.example.org/api/v1'],
    ip: ['192.0.2.1', '2001:db8::f'],
    upn: ['Ann@corp.example', 'bob@corp.example'],
  },
};
const identity = { ...caller(client), policies: ['1.2.3.4'] };
const nobody = caller({ name: [], sans: null, extendedKeyUsage: null, serial: '01' });
const { fingerprint256 } = identity;
const bareFingerprint = fingerprint256.replaceAll(':', '').toLowerCase();

describe('a field', () => {
  // Field, what matches, what does not.
  const table: [keyof ClientRuleFields, (string | RegExp)[], (string | RegExp)[]][] = [
    [
      'commonName',
      ['client1', /^client\d$/],
      ['Client1', 'client', 'client11', ' client1', 'CN=client1', /^client$/, /^CLIENT1$/],
    ],
    ['organization', ['Example', 'Beispiel', /^Bei.*$/], ['example', 'ops', 'Example,Beispiel']],
    ['organizationalUnit', ['ops', 'dev', /^(?:ops|test)$/], ['Ops', 'Example', 'ops,dev', 'ops dev']],
    [
      'dns',
      ['a.example.org', 'A.EXAMPLE.ORG', 'b.example.org', /^B\.example\.org$/],
      ['*.example.org', 'example.org', 'a.example.org.', 'c.example.org', /^b\.example\.org$/],
    ],
    [
      'email',
      ['Ann@Example.org', 'Ann@EXAMPLE.ORG', 'Ann@example.org', 'bob@example.org', /^bob@example\.org$/],
      [
        'ann@example.org',
        'AnN@example.org',
        'Anx@example.org',
        'Ann@fxample.org',
        'Bob@example.org',
        'example.org',
        '@example.org',
        /^Ann@example\.org$/,
      ],
    ],
    [
      'uri',
      ['spiffe://prod.example.org/api/v1', /^spiffe:\/\/prod\.example\.org\/.*$/],
      ['spiffe://PROD.example.org/api/v1', 'spiffe://prod.example.org/api/v1/', 'spiffe://prod.example.org'],
    ],
    [
      'ip',
      ['192.0.2.1', '2001:db8::f', '2001:0DB8:0:0:0:0:0:000F', /^192\.0\.2\.\d+$/],
      ['192.0.2.10', '2001:db8::1', '::ffff:192.0.2.1', /^2001:db8:0:.*$/],
    ],
    [
      'upn',
      ['Ann@corp.example', 'ANN@CORP.EXAMPLE', 'bob@corp.example', /^Ann@corp\.example$/],
      ['ann', 'corp.example', /^ann@corp\.example$/],
    ],
    [
      'spiffeId',
      ['spiffe://prod.example.org/api/v1', /^spiffe:\/\/[^/]+\/api\/v\d$/],
      ['spiffe://prod.example.org/api', 'spiffe://prod.example.org'],
    ],
    [
      'spiffeTrustDomain',
      ['prod.example.org', /^[a-z]+\.example\.org$/],
      ['example.org', 'PROD.example.org', 'api'],
    ],
    [
      'issuer',
      [
        'CN=Root CA,O=Example',
        'cn=ROOT  ca, o=example',
        '2.5.4.3=Root CA,O=Example',
        /^CN=Root CA,O=Example$/,
      ],
      ['CN=Example,O=Root CA', 'CN=Root CA', 'CN=Root CA,O=Example,C=DE', /^cn=root ca,o=example$/],
    ],
    [
      'fingerprint256',
      [fingerprint256, bareFingerprint, fingerprint256.toLowerCase(), bareFingerprint.toUpperCase()],
      ['0'.repeat(64), `${bareFingerprint.slice(0, -1)}${bareFingerprint.endsWith('0') ? '1' : '0'}`],
    ],
    [
      'serialNumber',
      ['abcd', 'ABCD', 'AB:CD', '00abcd', '00:AB:CD', /^abcd$/],
      ['abc', 'abcd00', '-abcd', '0', /^ABCD$/],
    ],
    [
      'extendedKeyUsage',
      [purposes.clientAuth, purposes.codeSigning, /^1\.3\.6\.1\.5\.5\.7\.3\.3$/],
      [purposes.serverAuth, 'clientAuth', '1.3.6.1.5.5.7.3'],
    ],
    ['policy', ['1.2.3.4', /^1\.2\.3\.\d$/], ['1.2.3', '1.2.3.40', /^1\.2\.3$/]],
  ];

  test('is covered by the table', () => {
    const message = refusal({ nickname: 'x' });
    expect(message).toBe(
      `the rule has the unknown field "nickname"; known are ${table.map(([field]) => field).join(', ')}`,
    );
  });

  // Fingerprints are of certificates made for this run; names of tests stay the same in all.
  const label = (match: unknown): string => String(match).replace(/[\da-f:]{64,}/i, 'a fingerprint');
  const matching = table.flatMap(([field, yes]) => yes.map((match) => [field, label(match), match] as const));
  test.each(matching)('%s matches %s', (field, _label, match) => {
    expect(ask({ [field]: match }, identity)).toBe(true);
    expect(ask({ [field]: [match] }, identity)).toBe(true);
  });

  const differing = table.flatMap(([field, , no]) =>
    no.map((match) => [field, label(match), match] as const),
  );
  test.each(differing)('%s does not match %s', (field, _label, match) => {
    expect(ask({ [field]: match }, identity)).toBe(false);
  });

  test.each(table.map(([field]) => [field]))('%s matches nothing if the certificate lacks it', (field) => {
    const everything = field === 'fingerprint256' || field === 'serialNumber' ? /^(?!.)$/ : /^[^]*$/;
    const hasIt = field === 'issuer';
    expect(ask({ [field]: everything }, nobody)).toBe(hasIt);
  });
});

describe('a name that must not decide', () => {
  test.each<[string, CertificateOptions]>([
    ['several commonNames', { commonName: ['client1', 'admin'] }],
    ['a commonName with an edge of space', { commonName: 'client1 ' }],
    ['a commonName of 65 characters', { commonName: 'a'.repeat(65) }],
    ['a commonName with a NUL', { commonName: 'client1\0' }],
  ])('%s', (_what, options) => {
    expect(ask({ commonName: /^[^]*$/ }, options)).toBe(false);
    for (const commonName of [options.commonName].flat() as string[])
      expect(ask({ commonName }, options)).toBe(false);
  });

  test('a SPIFFE ID beside another URI', () => {
    const options = { sans: { uri: ['spiffe://prod.example.org/api', 'https://b.test'] } };
    expect(ask({ spiffeId: 'spiffe://prod.example.org/api' }, options)).toBe(false);
    expect(ask({ spiffeTrustDomain: 'prod.example.org' }, options)).toBe(false);
    expect(ask({ uri: 'spiffe://prod.example.org/api' }, options)).toBe(true);
  });

  test('one attribute written into another', () => {
    expect(ask({ organization: 'Example' }, { commonName: 'x,O=Example' })).toBe(false);
    expect(ask({ organizationalUnit: 'ops' }, { organizationalUnit: 'dev,OU=ops' })).toBe(false);
    expect(ask({ dns: 'a.test' }, { sans: { uri: ['a.test'], email: ['a.test'] } })).toBe(false);
  });
});

test('the serial number zero is a serial number', () => {
  expect(ask({ serialNumber: '00' }, { serial: 0n })).toBe(true);
  expect(ask({ serialNumber: '0' }, { serial: 0n })).toBe(true);
});

describe('lists and fields', () => {
  test('within a field, one value is enough', () => {
    expect(ask({ commonName: ['client9', 'client1'] }, identity)).toBe(true);
    expect(ask({ commonName: [/^admin$/, 'client1'] }, identity)).toBe(true);
    expect(ask({ commonName: [/^admin$/, /^client1$/] }, identity)).toBe(true);
    expect(ask({ commonName: ['client9', 'client8', /^admin$/] }, identity)).toBe(false);
  });

  test('all fields must match', () => {
    expect(ask({ commonName: 'client1', organizationalUnit: 'ops' }, identity)).toBe(true);
    expect(ask({ commonName: 'client1', organizationalUnit: 'sales' }, identity)).toBe(false);
    expect(ask({ commonName: 'client2', organizationalUnit: 'ops' }, identity)).toBe(false);
  });

  test('a rule does not change with its source object', () => {
    const names = ['client1'];
    const rule = { commonName: names as string[] | string };
    const admits = compileRule(rule);
    names[0] = 'client9';
    rule.commonName = 'client8';
    expect(admits(identity, request)).toBe(true);
    expect(admits(caller({ commonName: 'client9' }), request)).toBe(false);
  });

  test('a rule gives the same answer every time', () => {
    const admits = compileRule({ commonName: /^client\d$/ });
    for (let count = 0; count < 5; count++) expect(admits(identity, request)).toBe(true);
  });

  test('a function is used as it is', () => {
    const rule = (): boolean => false;
    expect(compileRule(rule)).toBe(rule);
  });
});

describe('a RegExp', () => {
  test.each([
    /^client1$/,
    /^$/,
    /^(?:a|b)$/,
    /^a$|^b$/,
    /^(a|b)c$/,
    /^[|]$/,
    /^[^$|]+$/,
    /^[\]|]$/,
    /^\|$/,
    /^a\\$/,
    /^\(a$|^b$/,
    /^(?<name>a|b)$/,
    /^(?:a|(?:b|c)|[(|])$/,
    /^(?!admin$|root$).+$/,
    /^client1$/i,
    /^\p{L}+$/u,
    /^a.b$/s,
  ])('%p is anchored', (expression) => {
    expect(() => compileRule({ commonName: expression })).not.toThrow();
  });

  test.each([
    /client1/,
    /^client1/,
    /client1$/,
    /^client1\$/,
    /^client1\\\$/,
    /\^client1$/,
    /^client1[$]/,
    /[^]client1$/,
    /^a|b$/,
    /^a$|b/,
    /^a$|b$/,
    /^a|^b$/,
    /^a$|/,
    /(?:^a$)/,
    /(?:^a|b$)/,
    /^a|[)]b$/,
    /^[(]a|b$/,
    /^\(a|b$/,
    /^\[a|b]$/,
    /^[\]]a|b$/,
    /^(?:a)|b$/,
    /^a(?:$)/,
    /(?:)/,
    /\b^a$/,
    /\d?^a$/,
  ])('%p is not, and is rejected', (expression) => {
    const message = refusal({ commonName: ['client1', expression] });
    expect(message).toBe(
      `commonName: ${String(expression)} is not anchored and would match parts of names; write /^…$/, with alternatives as /^(?:a|b)$/`,
    );
  });

  test.each([/^a$/g, /^a$/y, /^a$/m, /^a$/gim, new RegExp('^a$', 'v')])(
    '%p has a flag that is refused',
    (expression) => {
      expect(refusal({ organizationalUnit: expression })).toBe(
        `organizationalUnit: ${String(expression)} has the flag g, m, y or v, which makes it match parts of names, keep state, or hide alternatives in classes; remove the flag`,
      );
    },
  );

  test('matches whole names, in every alternative', () => {
    const rule = { commonName: /^a$|^(?:b|c)$|^[|]$/ };
    for (const commonName of ['a', 'b', 'c', '|']) expect(ask(rule, { commonName })).toBe(true);
    for (const commonName of ['ab', 'xa', 'ax', 'a|', 'bc']) expect(ask(rule, { commonName })).toBe(false);
  });

  test('is applied to the original text, even if strings are compared case-insensitively', () => {
    expect(ask({ dns: /^b\.example\.org$/i }, identity)).toBe(true);
    expect(ask({ dns: /^b\.example\.org$/ }, identity)).toBe(false);
  });
});

describe('a rule is rejected when the app starts', () => {
  test.each<[unknown, string]>([
    [undefined, `a rule is undefined; expected an object such as { commonName: 'client1' }, or a function`],
    ['client1', `a rule is string; expected an object such as { commonName: 'client1' }, or a function`],
    [true, `a rule is boolean; expected an object such as { commonName: 'client1' }, or a function`],
    [null, `a rule is object; expected an object such as { commonName: 'client1' }, or a function`],
    [['client1'], `a rule is an array; expected an object such as { commonName: 'client1' }, or a function`],
    [{}, 'the rule is empty and would admit every client; omit it if that is intended'],
    [/^a$/, 'the rule is empty and would admit every client; omit it if that is intended'],
    [
      new Map([['commonName', 'a']]),
      'the rule is empty and would admit every client; omit it if that is intended',
    ],
    [{ commonName: [] }, 'commonName is an empty list, which no client can satisfy; name at least one value'],
    [{ commonName: '' }, 'commonName has a value that is empty; expected a string or a RegExp'],
    [{ commonName: ['a', ''] }, 'commonName has a value that is empty; expected a string or a RegExp'],
    [{ commonName: undefined }, 'commonName has a value that is undefined; expected a string or a RegExp'],
    [{ commonName: null }, 'commonName has a value that is object; expected a string or a RegExp'],
    [{ commonName: 5 }, 'commonName has a value that is number; expected a string or a RegExp'],
    [{ commonName: ['a', ['b']] }, 'commonName has a value that is object; expected a string or a RegExp'],
    [{ serialNumber: 1002 }, 'serialNumber has a value that is number; expected a string or a RegExp'],
    [{ ip: '192.0.2' }, 'ip has "192.0.2", which is not an IP address; write "192.0.2.1" or "2001:db8::1"'],
    [
      { ip: ['192.0.2.1', '192.0.2.0/24'] },
      'ip has "192.0.2.0/24", which is not an IP address; write "192.0.2.1" or "2001:db8::1"',
    ],
    [
      { fingerprint256: 'ab:cd' },
      'fingerprint256 has "ab:cd", which is not a SHA-256 fingerprint; expected 64 hex digits, as "openssl x509 -noout -fingerprint -sha256" prints',
    ],
    [
      { fingerprint256: `${'0'.repeat(64)}0` },
      `fingerprint256 has "${'0'.repeat(65)}", which is not a SHA-256 fingerprint; expected 64 hex digits, as "openssl x509 -noout -fingerprint -sha256" prints`,
    ],
    [
      { serialNumber: '0x1002' },
      'serialNumber has "0x1002", which is not a serial number; expected hex, as "openssl x509 -noout -serial" prints',
    ],
    [
      { serialNumber: ':' },
      'serialNumber has ":", which is not a serial number; expected hex, as "openssl x509 -noout -serial" prints',
    ],
  ])('%p', (rule, message) => {
    expect(refusal(rule)).toBe(message);
  });

  test.each(['__proto__', 'constructor', 'toString', 'commonname', 'CN', 'subject'])(
    'with the field %s',
    (field) => {
      const rule = JSON.parse(`{ "${field}": "a" }`) as unknown;
      expect(refusal(rule)).toContain(`the rule has the unknown field "${field}"; known are commonName, `);
    },
  );

  test('with an issuer that is not a name', () => {
    expect(refusal({ issuer: 'Root CA' })).toBeTruthy();
    expect(refusal({ issuer: 'CN=Root CA,,O=x' })).toBeTruthy();
  });
});
