import { describe, expect, test } from '@jest/globals';
import { type ClientRule } from '../../../src/policy/client-rule.js';
import { ask } from './callers.js';

const kelvin = '\u212a';

describe('case-insensitivity is limited to ASCII: other letters with the same lower case differ', () => {
  test.each<[string, ClientRule, object]>([
    ['upn', { upn: 'kim@corp.example' }, { upn: [`${kelvin}im@corp.example`] }],
    ['upn, the other way round', { upn: `${kelvin}im@corp.example` }, { upn: ['kim@corp.example'] }],
  ])('%s', (_field, rule, sans) => {
    expect(ask(rule, { sans })).toBe(false);
  });

  test('ASCII letters that differ only in case are equal', () => {
    expect(ask({ upn: 'KIM@corp.example' }, { sans: { upn: ['kim@CORP.example'] } })).toBe(true);
    expect(ask({ dns: 'HOST.example' }, { sans: { dns: ['host.EXAMPLE'] } })).toBe(true);
    expect(ask({ email: 'kim@CORP.example' }, { sans: { email: ['kim@corp.EXAMPLE'] } })).toBe(true);
  });
});
