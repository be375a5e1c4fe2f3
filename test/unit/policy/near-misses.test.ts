import { describe, expect, test } from '@jest/globals';
import { compileRule } from '../../../src/policy/client-rule.js';
import { type ClientRuleFields } from '../../../src/policy/rule-fields.js';
import { type CertificateOptions } from '../../support/chain.js';
import { failureOf } from '../x509/failure.js';
import { ask, caller, request } from './callers.js';

describe('a name similar to that of the rule does not match', () => {
  test.each<[string, ClientRuleFields, CertificateOptions]>([
    ['a zero within a serial number', { serialNumber: '12' }, { serial: '1002' }],
    ['a zero at the end of a serial number', { serialNumber: '1' }, { serial: '10' }],
    ['an address without a local part', { email: '@b.test' }, { sans: { email: ['@a.test'] } }],
    ['an address without a domain', { email: 'foot' }, { sans: { email: ['root'] } }],
    ['another domain of the same last letters', { email: 'a@ab.test' }, { sans: { email: ['a@b.test'] } }],
    ['ss for ß in a UPN', { upn: 'strasse@corp.test' }, { sans: { upn: ['straße@corp.test'] } }],
    ['a long s in a DNS name', { dns: 'ſ.test' }, { sans: { dns: ['s.test'] } }],
    ['a long s in the domain of an address', { email: 'a@ſ.test' }, { sans: { email: ['a@s.test'] } }],
  ])('%s', (_what, rule, options) => {
    expect(ask(rule, options)).toBe(false);
  });
});

describe('an incompletely anchored RegExp', () => {
  test.each([/|^a$/, /^a$||^b$/, /^a\$|^b$/, /^a$\b/, /^a|^b\$/])('%p is refused', (expression) => {
    const { code, message } = failureOf(() => compileRule({ commonName: expression }));
    expect(code).toBe('ERR_MTLS_OPTION_INVALID');
    expect(message).toContain(`${String(expression)} is not anchored`);
  });
});

test.each(['12zz', '12 ', 'a-b', '12\n'])('the text %j is not a serial number', (serialNumber) => {
  const { code, message } = failureOf(() => compileRule({ serialNumber }));
  expect(code).toBe('ERR_MTLS_OPTION_INVALID');
  expect(message).toContain(`serialNumber has "${serialNumber}", which is not a serial number`);
});

test('an identity is matched once, not at each request', () => {
  let reads = 0;
  const identity = Object.defineProperty({ ...caller() }, 'commonName', {
    get: () => {
      reads++;
      return 'client1';
    },
  });
  const admits = compileRule({ commonName: 'client1' });
  for (let count = 0; count < 3; count++) expect(admits(identity, request)).toBe(true);
  expect(reads).toBe(1);
});
