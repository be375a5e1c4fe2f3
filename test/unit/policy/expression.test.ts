import { describe, expect, test } from '@jest/globals';
import { checkExpression, matchesWhole } from '../../../src/policy/expression.js';
import { fastestTurn } from '../../support/cpu-time.js';

const forEver = 'could take forever';

describe('a RegExp that can take forever is rejected when the app starts', () => {
  test.each<[RegExp]>([
    [/^(a+)+$/],
    [/^(?:a*)*$/],
    [/^(a|a)*$/],
    [/^(?:a|ab)*c$/],
    [/^(a?b?)*$/],
    [/^(?:[a-z]+-)*[a-z]+$/],
    [/^(\w+\s?)*$/],
    [/^((a+)b)+$/],
    [/^(?:a{1,16}){1,16}$/],
    [/^(?:a{0,99}){3,}$/],
    [/^.*-.*-.*$/],
    [/^\d+\d+\d+$/],
    [/^(?:a|a)(?:a|a)(?:a|a)a*a*$/],
    [/^a*a*a*a{100}$/],
    [/^(?:x+?)+?$/],
    [/^(?<name>a+)+$/],
    [/^(?=(a+)+b).*$/],
    [/^(.*)\1$/],
    [/^(?<name>.*)\k<name>$/],
    [/^a$|^(b+)+$/],
    [/^(?:a?){30}$/],
    [/^(?:a{10,20}){10,20}$/],
    [/^(?:x*?)*?$/],
    [/^(?:a{1,16}?){1,16}?$/],
    [/^a{0,511}b{0,511}c?d?e?$/],
  ])('%p', (expression) => {
    expect(() => checkExpression(expression, 'dns')).toThrow(
      expect.objectContaining({
        code: 'ERR_MTLS_OPTION_INVALID',
        message: expect.stringMatching(new RegExp(`^dns: .*${forEver}`)),
      }),
    );
  });
});

describe('a RegExp with a bounded run time is not', () => {
  test.each<[RegExp]>([
    [/^client1$/],
    [/^client\d+$/],
    [/^(?:dev|ops)-\d{1,4}$/i],
    [/^[a-z0-9.-]+\.example\.org$/],
    [/^(?:\d{1,3}\.){3}\d{1,3}$/],
    [/^[^-]+-[^-]+$/],
    [/^spiffe:\/\/example\.org\/ns\/[^/]+\/sa\/[^/]+$/],
    [/^(?:ab)+$/],
    [/^(?:ab){600}$/],
    [/^a{3,}$/],
    [/^[(+*)|]+$/],
    [/^\(\+\*\|\)+$/],
    [/^a(?!b+)(?<!c)d$/],
    [/^\p{L}{1,64}$/u],
    [/^a$|^b$/],
    [/^x?y?z?$/],
    [/^\\1$/],
    [new RegExp('^[\\1]$')],
    [/^(?:a*(?:bc)(?:d))$/],
    // As many choices as there may be; what stands beside them is none.
    [/^a{0,511}b{0,511}c?d?$/],
    [/^a{0,511}?b{0,511}?c??d??$/],
    [/^(?=a)a{0,511}b{0,511}c?d?$/],
    [/^(?!x)a{0,511}b{0,511}c?d?(?<!y)(?<=d)$/],
    [/^(?<name>a{0,511}b{0,511}c?d?)$/],
    [/^[{1,99}]a{0,511}b{0,511}c?d?$/],
  ])('%p', (expression) => {
    expect(checkExpression(expression, 'dns')).toBe(expression);
  });

  // What the bound promises: the worst text of the longest length is over in a moment.
  test.each<[RegExp, string]>([
    [/^.*.*x$/, 'a'.repeat(512)],
    [/^a*a*a{100}$/, `${'a'.repeat(511)}b`],
    [/^(?:a|a)a*a*$/, `${'a'.repeat(511)}b`],
    [/^[^-]*-?[^-]*x$/, 'a'.repeat(512)],
    [/^(?:\w{1,3}){3}\w{1,3}!$/, 'a'.repeat(512)],
  ])('%p finishes quickly', (expression, text) => {
    checkExpression(expression, 'dns');
    const match = (): void => {
      expect(matchesWhole(expression, text)).toBe(false);
    };
    expect(fastestTurn(match, 3)).toBeLessThan(1000);
  });
});

test('a text of more than 512 characters matches nothing', () => {
  expect(matchesWhole(/^a+$/, 'a'.repeat(512))).toBe(true);
  expect(matchesWhole(/^a+$/, 'a'.repeat(513))).toBe(false);
});
