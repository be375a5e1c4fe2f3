import { describe, expect, test } from '@jest/globals';
import { type ClientRule, compileRule } from '../../../src/policy/client-rule.js';
import { allOf, anyOf, not } from '../../../src/policy/combinators.js';
import {
  accountOf,
  guardsInForce,
  rememberGuard,
  type RuleFinding,
} from '../../../src/policy/rule-account.js';
import { caller } from './callers.js';

const client1 = caller({ commonName: 'client1', organization: 'Example' });
const is1 = { commonName: 'client1' };
const is2 = { commonName: 'client2' };
function isAdmin(): boolean {
  throw new Error('must not be called to account for itself');
}

function findingOn(rule: ClientRule): RuleFinding {
  return accountOf(compileRule(rule)).findingOn(client1);
}

describe('the text of a rule', () => {
  test.each<[string, ClientRule]>([
    ['{ commonName: "client1" }', is1],
    ['{ commonName: ["a", /^b$/], issuer: "CN=ca" }', { commonName: ['a', /^b$/], issuer: 'CN=ca' }],
    ['{ commonName: "a\\"\\u001b[2J" }', { commonName: 'a"\u001b[2J' }],
    ['function isAdmin', isAdmin],
    ['a function without a name', () => true],
    ['allOf({ commonName: "client1" }, function isAdmin)', allOf(is1, isAdmin)],
    ['anyOf({ commonName: "client1" }, not({ commonName: "client2" }))', anyOf(is1, not(is2))],
  ])('%s', (text, rule) => {
    expect(accountOf(compileRule(rule)).text).toBe(text);
  });

  test('is shortened for log lines', () => {
    const names = Array.from({ length: 100 }, (_, index) => `client${index}`);
    const { text } = accountOf(compileRule({ commonName: names }));
    expect(text).toHaveLength(200);
    expect(text.endsWith('…')).toBe(true);
    const whole = `{ commonName: "${'a'.repeat(182)}" }`;
    expect(whole).toHaveLength(200);
    expect(accountOf(compileRule({ commonName: 'a'.repeat(182) })).text).toBe(whole);
  });
});

describe('the part of a rule that forbids', () => {
  test.each<[string, ClientRule, boolean | undefined, string[]]>([
    ['fields that hold', is1, true, []],
    ['a field that does not', { organization: 'Example', commonName: 'x' }, false, ['commonName']],
    ['two fields that do not', { organization: 'x', commonName: 'x' }, false, ['organization', 'commonName']],
    ['a function, which is not asked', isAdmin, undefined, ['function isAdmin']],
    ['allOf: the part that does', allOf(is1, is2), false, ['allOf[1].commonName']],
    [
      'allOf: not those beside a part that refuses for certain',
      allOf(isAdmin, is2),
      false,
      ['allOf[1].commonName'],
    ],
    [
      'allOf: a function, where nothing else does',
      allOf(is1, isAdmin),
      undefined,
      ['allOf[1].function isAdmin'],
    ],
    ['allOf of rules that hold', allOf(is1, { organization: 'Example' }), true, []],
    ['anyOf: one that holds is enough', anyOf(isAdmin, is1), true, []],
    ['anyOf: what refuses beside it is beside the point', anyOf(is2, is1), true, []],
    [
      'anyOf: a function may grant',
      anyOf(is2, isAdmin),
      undefined,
      ['anyOf[0].commonName', 'anyOf[1].function isAdmin'],
    ],
    [
      'anyOf: each of them',
      anyOf(is2, { organization: 'x' }),
      false,
      ['anyOf[0].commonName', 'anyOf[1].organization'],
    ],
    ['not of what holds', not(is1), false, ['not({ commonName: "client1" })']],
    ['not of what does not', not(is2), true, []],
    ['not of a function', not(isAdmin), undefined, ['not(function isAdmin)']],
    [
      'rules in rules',
      allOf(is1, anyOf(is2, not(is1))),
      false,
      ['allOf[1].anyOf[0].commonName', 'allOf[1].anyOf[1].not({ commonName: "client1" })'],
    ],
  ])('%s', (_what, rule, grants, refusedBy) => {
    expect(findingOn(rule)).toEqual({ grants, refusedBy });
  });
});

test('the rules that guard routes are remembered once each, up to a limit', () => {
  const account = (text: string) => ({
    text,
    findingOn: () => ({ grants: true, refusedBy: [] }),
    asksFunction: false,
  });
  for (let index = 0; index < 1500; index++) rememberGuard(account(`rule ${index % 1200}`));
  const texts = guardsInForce().map(({ text }) => text);
  expect(texts).toHaveLength(1000);
  expect(new Set(texts).size).toBe(1000);
  expect(texts[0]).toBe('rule 0');
});
