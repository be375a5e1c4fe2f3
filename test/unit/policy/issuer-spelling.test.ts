import { describe, expect, test } from '@jest/globals';
import { compileRule } from '../../../src/policy/client-rule.js';
import { allOf } from '../../../src/policy/combinators.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { attributeTypes, ca } from '../../support/chain.js';
import { failureOf } from '../x509/failure.js';
import { ask, caller } from './callers.js';

const refusal = (issuer: string): string => {
  const { code, message } = failureOf(() => compileRule({ issuer }));
  expect(code).toBe('ERR_MTLS_OPTION_INVALID');
  return message;
};

describe('an issuer in another notation than RFC 4514 stops the app, with the right spelling', () => {
  test.each([
    ['openssl x509 -issuer, OpenSSL 1.1 and 3.0', 'C = DE, O = Example, CN = ca', 'CN=ca,O=Example,C=DE'],
    ['the same with its label', 'issuer=C = DE, O = Example, CN = ca', 'CN=ca,O=Example,C=DE'],
    ['a name of one part', 'CN = ca', 'CN=ca'],
    ['a value in quotes', 'O = "Example, Inc.", CN = ca', 'CN=ca,O=Example\\, Inc.'],
    ['quotes within quotes', 'O = "a \\"b\\" \\\\ c", CN = ca', 'CN=ca,O=a \\"b\\" \\\\ c'],
    ['escaped octets', 'O = M\\C3\\BCller, CN = ca', 'CN=ca,O=M\\C3\\BCller'],
    ['an escaped comma', 'O = a\\, b, CN = ca', 'CN=ca,O=a\\, b'],
    ['two attributes in one part', 'C = DE, CN = ca + OU = x', 'CN=ca+OU=x,C=DE'],
    ['an attribute without a short name', 'CN = ca, emailAddress = a@b.test', 'emailAddress=a@b.test,CN=ca'],
    ['the label alone, OpenSSL 3.2', 'issuer=C=DE, O=Example, CN=ca', 'CN=ca,O=Example,C=DE'],
    ['the label alone, -nameopt RFC2253', 'issuer=CN=ca,O=Example', 'CN=ca,O=Example'],
    ['the label of -text', '        Issuer: C=DE, CN=ca', 'CN=ca,C=DE'],
    ['the label of a subject', 'subject=C = DE, CN = ca', 'CN=ca,C=DE'],
    ['oneline, OpenSSL 1.0', 'issuer= /C=DE/O=Example/CN=ca', 'CN=ca,O=Example,C=DE'],
    ['oneline without its label', '/C=DE/O=Example, Inc./CN=a/b', 'CN=a/b,O=Example\\, Inc.,C=DE'],
    ['oneline with octets', '/O=M\\xC3\\xBCller/CN=ca', 'CN=ca,O=M\\C3\\BCller'],
    ['node:crypto', 'C=DE\nO=Example\nCN=ca', 'CN=ca,O=Example,C=DE'],
    ['node:crypto, one part', 'CN=ca\n', 'CN=ca'],
    ['lines of Windows', 'C=DE\r\nCN=ca\r\n', 'CN=ca,C=DE'],
    [
      '-nameopt multiline',
      'issuer=\n    countryName               = DE\n    commonName                = ca\n',
      'CN=ca,C=DE',
    ],
    ['spaces in the order of RFC 4514', 'CN = ca, O = Example, C = DE', 'CN=ca,O=Example,C=DE'],
  ])('%s', (_what, issuer, right) => {
    const message = refusal(issuer);
    expect(message).toContain(`issuer has ${JSON.stringify(issuer)}, which is `);
    expect(message).toContain(`: write ${JSON.stringify(right)}; "openssl x509 `);
    expect(() => compileRule({ issuer: right })).not.toThrow();
  });

  test('text that is not a name is reported with the command to print it', () => {
    expect(refusal('C = DE, jurisdiction = x')).toMatch(
      /: use what "openssl x509 -in CLIENT -noout -issuer -nameopt RFC2253" prints after "issuer="$/,
    );
  });

  test('in a list, and in a nested rule', () => {
    expect(failureOf(() => compileRule({ issuer: ['CN=ca', 'C = DE, CN = ca'] })).message).toContain(
      '"CN=ca,C=DE"',
    );
    expect(failureOf(() => allOf({ issuer: 'C=DE\nCN=ca' })).message).toContain('"CN=ca,C=DE"');
  });
});

describe('an issuer in the order of OpenSSL stops the app', () => {
  test.each([
    ['C=DE,O=Example,CN=ca', 'CN=ca,O=Example,C=DE', '/^C=DE,O=Example,CN=ca$/'],
    ['C=DE, O=Example, CN=ca', 'CN=ca,O=Example,C=DE', '/^C=DE,O=Example,CN=ca$/'],
    ['O=Example,CN=ca', 'CN=ca,O=Example', '/^O=Example,CN=ca$/'],
    ['DC=com,DC=example,CN=ca', 'CN=ca,DC=example,DC=com', '/^DC=com,DC=example,CN=ca$/'],
    ['DC=com,OU=pki', 'OU=pki,DC=com', '/^DC=com,OU=pki$/'],
    [
      'C=US,O=Example\\, Inc.,OU=Class 3',
      'OU=Class 3,O=Example\\, Inc.,C=US',
      '/^C=US,O=Example\\\\, Inc\\.,OU=Class 3$/',
    ],
    [
      'C=DE,CN=ca,emailAddress=a@b.test',
      'emailAddress=a@b.test,CN=ca,C=DE',
      'a RegExp that matches String(clientIdentity.issuer)',
    ],
  ])('%s', (issuer, right, regExp) => {
    const message = refusal(issuer);
    expect(message).toContain('begins with its most general part, as OpenSSL writes names');
    expect(message).toContain(
      `: write ${JSON.stringify(right)}, or, if the CA certificate itself has its parts in`,
    );
    expect(message).toContain(`, ${regExp.startsWith('/') ? 'the RegExp ' : ''}${regExp}; "openssl x509 `);
    expect(() => compileRule({ issuer: right })).not.toThrow();
  });

  test.each([
    'CN=ca',
    'C=DE',
    'CN=ca,O=Example,C=DE',
    'CN=ca, O=Example, C=DE',
    'CN=ca,DC=example,DC=com',
    'DC=example,DC=com',
    'OU=pki,DC=example,DC=com',
    'DC=example,C=DE',
    'O=Example,C=DE',
    'L=Berlin,O=Example',
    'ST=Berlin,L=Berlin,OU=pki,O=Example,C=DE',
    'emailAddress=a@b.test,CN=ca,O=Example',
    'emailAddress=a@b.test',
    'CN=ca+OU=x,C=DE',
    'CN=a\\, b =c',
    'CN=/C=DE/x',
    'CN=a,CN=b',
  ])('%s does not', (issuer) => {
    expect(() => compileRule({ issuer })).not.toThrow();
  });

  test('the suggested RegExp matches a CA whose certificate has that order', () => {
    const name = [
      [{ oid: attributeTypes.commonName, type: 'utf8', value: 'ca' } as const],
      [{ oid: attributeTypes.country, type: 'printable', value: 'DE' } as const],
    ];
    const identity = { ...caller(), issuer: parseCertificate(ca({ name }).der).subject };
    expect(String(identity.issuer)).toBe('C=DE,CN=ca');
    expect(refusal('C=DE,CN=ca')).toContain('the RegExp /^C=DE,CN=ca$/');
    expect(ask({ issuer: /^C=DE,CN=ca$/ }, identity)).toBe(true);
  });
});
