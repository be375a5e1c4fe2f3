import { describe, expect, test } from '@jest/globals';
import { type ClientRule } from '../../../src/policy/client-rule.js';
import { compileRule } from '../../../src/policy/client-rule.js';
import { allOf, anyOf, not } from '../../../src/policy/combinators.js';
import { accountOf, guardsInForce, rememberGuard } from '../../../src/policy/rule-account.js';
import { type CertificateOptions } from '../../support/chain.js';
import { element, explicit, implicit, oid, sequence, text } from '../../support/der-writer.js';
import { caller, request } from './callers.js';

/** What a rule decides about a certificate, where it may answer later. */
async function asked(rule: ClientRule, options: CertificateOptions): Promise<unknown> {
  return await compileRule(rule)(caller(options), request);
}

const upn = implicit(
  0,
  sequence(oid('1.3.6.1.4.1.311.20.2.3'), explicit(0, text('utf8', Buffer.from([0xfc])))),
);
const odd = {
  dns: { sans: { raw: [element(0x82, Buffer.from('ü.robots.test'))] } },
  email: { sans: { raw: [element(0x81, Buffer.from('ü@robots.test'))] } },
  uri: { sans: { raw: [element(0x86, Buffer.from('urn:robot:ü'))] } },
  upn: { sans: { raw: [upn] } },
} satisfies Record<string, CertificateOptions>;

const fieldsOf = {
  dns: ['dns'],
  email: ['email'],
  uri: ['uri', 'spiffeId', 'spiffeTrustDomain'],
  upn: ['upn'],
} as const;

describe.each(Object.entries(fieldsOf) as [keyof typeof odd, readonly string[]][])(
  'a certificate with an unreadable entry of the kind %s',
  (kind, fields) => {
    const certificate = odd[kind];
    test.each(fields)('matches no rule about %s, and no inverse of one', async (field) => {
      const rule = { [field]: /^.*$/ };
      expect(await asked(rule, certificate)).toBe(false);
      expect(await asked(not(rule), certificate)).toBe(false);
      expect(await asked(not(not(rule)), certificate)).toBe(false);
    });

    test('is matched by its other names as usual', async () => {
      const both = { ...certificate, commonName: 'client1' };
      expect(await asked({ commonName: 'client1' }, both)).toBe(true);
      expect(await asked(not({ commonName: 'robot' }), both)).toBe(true);
      expect(await asked({ ip: '192.0.2.1' }, both)).toBe(false);
      expect(await asked(not({ ip: '192.0.2.1' }), both)).toBe(true);
    });
  },
);

test('a readable entry decides beside an unreadable one', async () => {
  const certificate = { sans: { uri: ['urn:robot:1'], raw: odd.uri.sans.raw } };
  expect(await asked({ uri: 'urn:robot:1' }, certificate)).toBe(true);
  expect(await asked(not({ uri: 'urn:robot:1' }), certificate)).toBe(false);
  expect(await asked(not({ uri: 'urn:robot:2' }), certificate)).toBe(false);
});

test('a field that does not match decides, even if others cannot be read', async () => {
  const certificate = { ...odd.uri, commonName: 'client1' };
  expect(await asked(not({ uri: /^.*$/, commonName: 'robot' }), certificate)).toBe(true);
  expect(await asked(not({ uri: /^.*$/, commonName: 'client1' }), certificate)).toBe(false);
  expect(await asked({ uri: /^.*$/, commonName: 'client1' }, certificate)).toBe(false);
});

describe('an unusable commonName keeps the inverse of a rule from allowing', () => {
  test.each<[string, CertificateOptions]>([
    ['that is not seen whole', { commonName: 'robot-1\u3164' }],
    ['that there are several of', { commonName: ['robot-1', 'client1'] }],
    ['that is too long', { commonName: 'robot-1'.padEnd(65, '1') }],
  ])('%s', async (_what, certificate) => {
    expect(await asked({ commonName: /^robot-\d+$/ }, certificate)).toBe(false);
    expect(await asked(not({ commonName: /^robot-\d+$/ }), certificate)).toBe(false);
  });

  test('but not a missing one', async () => {
    expect(await asked(not({ commonName: /^robot-\d+$/ }), { name: [] })).toBe(true);
  });
});

describe('rules made of rules', () => {
  const certificate = { ...odd.uri, commonName: 'client1' };
  const unreadable = { uri: /^.*$/ };
  const [yes, no] = [{ commonName: 'client1' }, { commonName: 'robot' }];
  const later = (answer: unknown): ClientRule => (() => Promise.resolve(answer)) as ClientRule;
  const says = (answer: unknown): ClientRule => (() => answer) as ClientRule;

  test.each<[string, ClientRule, boolean]>([
    ['anyOf(cannot tell, yes)', anyOf(unreadable, yes), true],
    ['anyOf(cannot tell, no)', anyOf(unreadable, no), false],
    ['not(anyOf(cannot tell, no))', not(anyOf(unreadable, no)), false],
    ['not(anyOf(no, cannot tell))', not(anyOf(no, unreadable)), false],
    ['not(anyOf(cannot tell, yes))', not(anyOf(unreadable, yes)), false],
    ['allOf(cannot tell, yes)', allOf(unreadable, yes), false],
    ['not(allOf(cannot tell, yes))', not(allOf(unreadable, yes)), false],
    ['not(allOf(yes, cannot tell))', not(allOf(yes, unreadable)), false],
    ['not(allOf(cannot tell, no))', not(allOf(unreadable, no)), true],
    ['not(allOf(no, cannot tell))', not(allOf(no, unreadable)), true],
    ['not(anyOf(cannot tell, later no))', not(anyOf(unreadable, later(false))), false],
    ['not(anyOf(later no, cannot tell))', not(anyOf(later(false), unreadable)), false],
    ['not(anyOf(later no, no))', not(anyOf(later(false), no)), true],
    ['not(allOf(cannot tell, later no))', not(allOf(unreadable, later(false))), true],
    ['not(allOf(later yes, cannot tell))', not(allOf(later(true), unreadable)), false],
    ['allOf(later yes, yes)', allOf(later(true), yes), true],
    ['not(a function that says 1)', not(says(1)), false],
    ['not(anyOf(a function that says nothing))', not(anyOf(says(undefined))), false],
    ['not(allOf(a function that promises null))', not(allOf(later(null))), false],
    ['not(not(yes))', not(not(yes)), true],
    ['not(not(later yes))', not(not(later(true))), true],
    ['not(later no)', not(later(false)), true],
    ['not(later yes)', not(later(true)), false],
  ])('%s', async (_what, rule, expected) => {
    expect(await asked(rule, certificate)).toBe(expected);
  });

  test('without functions, the result is a synchronous boolean', () => {
    for (const rule of [unreadable, not(unreadable), anyOf(unreadable, no), not(allOf(yes, unreadable))])
      expect(compileRule(rule)(caller(certificate), request)).toBe(false);
  });
});

test('an undecided guard is reported as forbidding, unless a function decides', () => {
  const identity = caller({ ...odd.uri, commonName: 'client1' });
  const uri = { uri: 'urn:robot:1' };
  const isAdmin = (): boolean => true;
  for (const rule of [uri, not(uri), allOf(uri, isAdmin)]) rememberGuard(accountOf(compileRule(rule)));
  const findings = guardsInForce().map(({ text, findingOn }) => [text, findingOn(identity)]);
  expect(Object.fromEntries(findings)).toMatchObject({
    '{ uri: "urn:robot:1" }': { grants: false, refusedBy: ['uri'] },
    'not({ uri: "urn:robot:1" })': { grants: false, refusedBy: ['not({ uri: "urn:robot:1" })'] },
    'allOf({ uri: "urn:robot:1" }, function isAdmin)': { grants: undefined },
  });
});
