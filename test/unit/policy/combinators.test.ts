import { describe, expect, test } from '@jest/globals';
import { type ClientRule, type ClientRuleFunction } from '../../../src/policy/client-rule.js';
import { allOf, anyOf, not } from '../../../src/policy/combinators.js';
import { failureOf } from '../x509/failure.js';
import { caller, request } from './callers.js';

const identity = caller({ commonName: 'client1' });

/** What a rule decides, as `requireClient()` takes it: `true`, `'refused'`, or `'threw'`. */
async function outcome(rule: ClientRuleFunction): Promise<true | 'refused' | 'threw'> {
  try {
    return ((await rule(identity, request)) as unknown) === true ? true : 'refused';
  } catch {
    return 'threw';
  }
}

function rule(answer: () => unknown): ClientRuleFunction {
  return answer as ClientRuleFunction;
}

const yes = rule(() => true);
const no = rule(() => false);
const laterYes = rule(() => Promise.resolve(true));
const laterNo = rule(() => Promise.resolve(false));
const throws = rule(() => {
  throw new Error('no database');
});
const rejects = rule(() => Promise.reject(new Error('no database')));

type Row = [string, ClientRule[], true | 'refused' | 'threw'];

describe('allOf', () => {
  test.each<Row>([
    ['yes', [yes], true],
    ['yes, yes', [yes, yes], true],
    ['yes, no', [yes, no], 'refused'],
    ['no, yes', [no, yes], 'refused'],
    ['no, throws', [no, throws], 'refused'],
    ['yes, throws', [yes, throws], 'threw'],
    ['later yes', [laterYes], true],
    ['later yes, yes, later yes', [laterYes, yes, laterYes], true],
    ['yes, later yes, no', [yes, laterYes, no], 'refused'],
    ['later no, yes', [laterNo, yes], 'refused'],
    ['later yes, later no', [laterYes, laterNo], 'refused'],
    ['later yes, throws', [laterYes, throws], 'threw'],
    ['rejects, yes', [rejects, yes], 'threw'],
    ['later no, rejects', [laterNo, rejects], 'refused'],
    ['fields that hold', [{ commonName: 'client1' }, yes], true],
    ['fields that do not', [{ commonName: 'client2' }, yes], 'refused'],
    ['later yes, fields that do not', [laterYes, { commonName: 'client2' }], 'refused'],
  ])('%s', async (_what, rules, expected) => {
    expect(await outcome(allOf(...rules))).toBe(expected);
  });

  test.each([undefined, null, 1, 'true', {}, [true]])(
    'is not satisfied by a promise of %p',
    async (value) => {
      expect(
        await outcome(
          allOf(
            rule(() => Promise.resolve(value)),
            yes,
          ),
        ),
      ).toBe('refused');
      expect(
        await outcome(
          allOf(
            laterYes,
            rule(() => value),
          ),
        ),
      ).toBe('refused');
      expect(
        await outcome(
          allOf(
            laterYes,
            rule(() => Promise.resolve(value)),
          ),
        ),
      ).toBe('refused');
    },
  );
});

describe('anyOf', () => {
  test.each<Row>([
    ['yes', [yes], true],
    ['no', [no], 'refused'],
    ['no, yes', [no, yes], true],
    ['yes, no', [yes, no], true],
    ['no, no', [no, no], 'refused'],
    ['yes, throws', [yes, throws], true],
    ['throws, yes', [throws, yes], 'threw'],
    ['later yes', [laterYes], true],
    ['later no, yes', [laterNo, yes], true],
    ['no, later no, later yes', [no, laterNo, laterYes], true],
    ['later no, later no', [laterNo, laterNo], 'refused'],
    ['later no, no', [laterNo, no], 'refused'],
    ['later yes, throws', [laterYes, throws], true],
    ['rejects, yes', [rejects, yes], 'threw'],
    ['later no, throws, yes', [laterNo, throws, yes], 'threw'],
    ['fields, one of which hold', [{ commonName: 'client2' }, { commonName: 'client1' }], true],
    ['fields, none of which hold', [{ commonName: 'client2' }, { commonName: 'client3' }], 'refused'],
  ])('%s', async (_what, rules, expected) => {
    expect(await outcome(anyOf(...rules))).toBe(expected);
  });

  test.each([undefined, null, 1, 'true', {}, [true]])(
    'is not satisfied by %p, synchronous or not',
    async (value) => {
      expect(await outcome(anyOf(rule(() => value)))).toBe('refused');
      expect(
        await outcome(
          anyOf(
            rule(() => Promise.resolve(value)),
            no,
          ),
        ),
      ).toBe('refused');
      expect(
        await outcome(
          anyOf(
            laterNo,
            rule(() => value),
          ),
        ),
      ).toBe('refused');
    },
  );
});

describe('not', () => {
  test.each<[string, ClientRule, true | 'refused' | 'threw']>([
    ['no', no, true],
    ['yes', yes, 'refused'],
    ['later no', laterNo, true],
    ['later yes', laterYes, 'refused'],
    ['throws', throws, 'threw'],
    ['rejects', rejects, 'threw'],
    ['fields that hold', { commonName: 'client1' }, 'refused'],
    ['fields that do not', { commonName: 'client2' }, true],
    ['a thenable that says no', rule(() => thenable(false)), true],
    ['a thenable that says yes', rule(() => thenable(true)), 'refused'],
  ])('%s', async (_what, given, expected) => {
    expect(await outcome(not(given))).toBe(expected);
  });

  test.each([undefined, null, 0, '', NaN, 'false'])(
    'is not satisfied by %p, synchronous or not',
    async (value) => {
      expect(await outcome(not(rule(() => value)))).toBe('refused');
      expect(await outcome(not(rule(() => Promise.resolve(value))))).toBe('refused');
    },
  );
});

describe('every combinator', () => {
  test('stays synchronous as long as its rules do', () => {
    expect(allOf(yes, yes)(identity, request)).toBe(true);
    expect(anyOf(no, no)(identity, request)).toBe(false);
    expect(not(yes)(identity, request)).toBe(false);
    expect(allOf(no, laterYes)(identity, request)).toBe(false);
    expect(anyOf(yes, laterYes)(identity, request)).toBe(true);
    expect(allOf(yes, laterYes)(identity, request)).toBeInstanceOf(Promise);
  });

  test('asks in order, once each, and only as far as necessary', async () => {
    const asked: string[] = [];
    const named = (name: string, answer: unknown): ClientRuleFunction =>
      rule(() => {
        asked.push(name);
        return answer;
      });
    await allOf(
      named('a', true),
      named('b', Promise.resolve(true)),
      named('c', false),
      named('d', true),
    )(identity, request);
    expect(asked.splice(0)).toEqual(['a', 'b', 'c']);
    await anyOf(
      named('a', false),
      named('b', Promise.resolve(false)),
      named('c', true),
      named('d', true),
    )(identity, request);
    expect(asked.splice(0)).toEqual(['a', 'b', 'c']);
    await anyOf(named('a', false), named('b', true), named('c', true))(identity, request);
    expect(asked.splice(0)).toEqual(['a', 'b']);
  });

  test('passes the identity and the request on', async () => {
    const seen: unknown[][] = [];
    const sees = (...answer: unknown[]): ClientRuleFunction =>
      ((...question: unknown[]) => {
        seen.push(question);
        return answer[0];
      }) as ClientRuleFunction;
    await allOf(sees(Promise.resolve(true)), sees(true), not(sees(false)))(identity, request);
    expect(seen).toEqual([
      [identity, request],
      [identity, request],
      [identity, request],
    ]);
  });

  test('can be nested', async () => {
    const nested = anyOf(allOf({ commonName: 'client1' }, not({ organizationalUnit: 'guests' })), laterNo);
    expect(await outcome(nested)).toBe(true);
    expect(await outcome(not(nested))).toBe('refused');
    expect(await outcome(allOf(laterYes, not(allOf(laterYes, no))))).toBe(true);
  });

  test.each([
    ['allOf', allOf],
    ['anyOf', anyOf],
  ] as const)('%s without rules is a mistake', (name, combine) => {
    expect(failureOf(() => combine())).toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: `${name}() has no rules; pass at least one`,
    });
  });

  test('checks its rules when the app starts', () => {
    const misspelt = { commonname: 'client1' } as ClientRule;
    for (const make of [() => allOf(yes, misspelt), () => anyOf(yes, misspelt), () => not(misspelt)])
      expect(failureOf(make)).toMatchObject({ code: 'ERR_MTLS_OPTION_INVALID' });
    for (const make of [() => allOf(undefined as never), () => not(undefined as never), () => not({})])
      expect(failureOf(make)).toMatchObject({ code: 'ERR_MTLS_OPTION_INVALID' });
  });
});

describe('an answer that is not a boolean', () => {
  test.each([undefined, null, 0, 1, '', 'true', {}, NaN])('does not satisfy allOf: %p', async (value) => {
    expect(await outcome(allOf(rule(() => value)))).toBe('refused');
    expect(
      await outcome(
        allOf(
          yes,
          rule(() => value),
          yes,
        ),
      ),
    ).toBe('refused');
  });

  test('may be a promise of another library', async () => {
    expect(
      await outcome(
        allOf(
          rule(() => thenable(true)),
          yes,
        ),
      ),
    ).toBe(true);
    expect(
      await outcome(
        allOf(
          rule(() => thenable(false)),
          yes,
        ),
      ),
    ).toBe('refused');
    expect(
      await outcome(
        anyOf(
          rule(() => thenable(true)),
          no,
        ),
      ),
    ).toBe(true);
    expect(
      await outcome(
        anyOf(
          rule(() => thenable(false)),
          no,
        ),
      ),
    ).toBe('refused');
  });
});

/** Awaited like a Promise, and none: a query of a database library. */
function thenable(value: boolean): PromiseLike<boolean> {
  return { then: (...handlers) => Promise.resolve(value).then(...handlers) };
}
