import { describe, expect, test } from '@jest/globals';
import { requireClient } from '../../../src/express/require-client.js';
import { type ClientRule } from '../../../src/policy/client-rule.js';
import { client1, exchange, type Exchange } from '../../support/exchange.js';
import { takeWarnings } from '../../support/warnings.js';

/** The outcome of a request under a rule; without a rule, any certificate is allowed. */
async function ask(...rule: unknown[]): Promise<Exchange & { error: unknown }> {
  const asked = exchange();
  requireClient(...(rule as [ClientRule]))(asked.req, asked.res, asked.next);
  const error = await asked.outcome;
  // Whatever else it may do would come after.
  await new Promise(setImmediate);
  return { ...asked, error };
}

const forbidden = { code: 'ERR_MTLS_CLIENT_FORBIDDEN', status: 403 };

describe('requireClient is checked when the app starts', () => {
  test.each<[string, unknown[], RegExp]>([
    ['undefined', [undefined], /^a rule is undefined; expected an object/],
    ['null', [null], /^a rule is object; expected an object/],
    ['text', ['client1'], /^a rule is string; expected an object/],
    ['an empty rule', [{}], /^the rule is empty/],
    ['a misspelt field', [{ commonname: 'client1' }], /^the rule has the unknown field "commonname"/],
    ['an empty list', [{ commonName: [] }], /^commonName is an empty list/],
    ['a RegExp for parts', [{ commonName: /client1/ }], /is not anchored/],
  ])('against %s', (_what, rule, message) => {
    expect(() => requireClient(...(rule as [ClientRule]))).toThrow(
      expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID', message: expect.stringMatching(message) }),
    );
  });
});

describe('requireClient without a rule', () => {
  test('passes every client with a certificate, and sets the identity', async () => {
    const { passed, req } = await ask();
    expect(passed).toEqual([[]]);
    expect(req.clientIdentity).toBe(client1);
  });

  test('asks an anonymous caller for a certificate', () => {
    const { req, res, next, passed } = exchange('anonymous');
    requireClient()(req, res, next);
    expect(passed).toMatchObject([
      [
        {
          code: 'ERR_MTLS_CERTIFICATE_REQUIRED',
          status: 401,
          message: 'this route needs a client certificate, and the caller has none',
        },
      ],
    ]);
  });

  test('refuses a client that is no longer admitted', () => {
    const { req, res, next, passed, refuse } = exchange();
    refuse('revoked');
    requireClient()(req, res, next);
    expect(passed).toMatchObject([[{ code: 'ERR_MTLS_CERTIFICATE_REVOKED' }]]);
  });

  test('trusts no client on a server without the gate, whatever the request has', () => {
    const { req, res, next, passed } = exchange('unjudged');
    req.clientIdentity = client1;
    requireClient()(req, res, next);
    expect(passed).toMatchObject([[{ code: 'ERR_MTLS_SERVER_UNPROTECTED', status: 500 }]]);
    expect(takeWarnings()).toHaveLength(1);
  });
});

describe('requireClient with a rule', () => {
  test('is only asked for admitted clients with an identity', () => {
    let asked = 0;
    const guard = requireClient(() => (asked++, true));
    for (const identity of ['anonymous', 'unjudged'] as const) {
      const { req, res, next } = exchange(identity);
      guard(req, res, next);
    }
    const revoked = exchange();
    revoked.refuse('revoked');
    guard(revoked.req, revoked.res, revoked.next);
    expect(asked).toBe(0);
    // Of the server without the gate, unless a test before it was warned.
    takeWarnings();
  });

  test.each<[string, unknown]>([
    ['fields that hold', { commonName: 'client1' }],
    ['a function that says true', () => true],
    ['a function that promises true', () => Promise.resolve(true)],
    [
      'a function that promises true in another library’s way',
      () => ({
        then: (say: (v: boolean) => void) => {
          say(true);
        },
      }),
    ],
  ])('allows by %s', async (_what, rule) => {
    const { passed, reports } = await ask(rule);
    expect(passed.map(([error]) => error)).toEqual([undefined]);
    expect(reports).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['fields that do not hold', { commonName: 'client2' }],
    ['false', () => false],
    ['undefined', () => undefined],
    ['null', () => null],
    ['1', () => 1],
    ['"true"', () => 'true'],
    ['an object', () => ({})],
    ['a Boolean object', () => Object(true)],
    ['a promise of false', () => Promise.resolve(false)],
    ['a promise of 1', () => Promise.resolve(1)],
    ['a promise of nothing', async () => {}],
  ])('forbids by %s, and reports the client and the request to the operator', async (_what, rule) => {
    const { passed, reports, error } = await ask(rule);
    expect(passed).toHaveLength(1);
    expect(error).toMatchObject({
      ...forbidden,
      message: 'the rule of this route forbids the request',
    });
    expect(reports).toEqual([
      {
        event: 'forbidden',
        identity: client1,
        remoteAddress: '127.0.0.1',
        method: 'GET',
        url: '/admin?x=1',
        rule: typeof rule === 'function' ? 'a function without a name' : '{ commonName: "client2" }',
        refusedBy: [typeof rule === 'function' ? 'a function without a name' : 'commonName'],
      },
    ]);
  });

  const fault = new Error('no database at 10.0.0.1');
  test.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw fault;
      },
    ],
    ['rejects', () => Promise.reject(fault)],
    [
      'is thenable and throws',
      () => ({
        then: () => {
          throw fault;
        },
      }),
    ],
  ])('forbids if it %s, and reports the reason only to the operator', async (_what, rule) => {
    const { passed, reports, error } = await ask(rule);
    expect(passed).toHaveLength(1);
    expect(error).toMatchObject({
      ...forbidden,
      message: 'the rule of this route forbids the request',
    });
    expect((error as Error).cause).toBeUndefined();
    expect(reports).toEqual([
      {
        event: 'rule-failed',
        identity: client1,
        remoteAddress: '127.0.0.1',
        error: fault,
        method: 'GET',
        url: '/admin?x=1',
      },
    ]);
  });

  test('refuses a client that was revoked while the rule was pending', async () => {
    const asked = exchange();
    const rule = async (): Promise<boolean> => {
      await new Promise(setImmediate);
      asked.refuse('revoked');
      return true;
    };
    requireClient(rule)(asked.req, asked.res, asked.next);
    expect(await asked.outcome).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_REVOKED', status: 401 });
    expect(asked.passed).toHaveLength(1);
  });

  test('receives the identity and the request', async () => {
    const questions: unknown[][] = [];
    const { req } = await ask((...question: unknown[]) => questions.push(question) > 0);
    expect(questions).toEqual([[client1, req]]);
  });

  test('does not catch errors of later handlers', () => {
    const { req, res } = exchange();
    let calls = 0;
    const next = (): void => {
      calls++;
      throw fault;
    };
    expect(() => {
      requireClient(() => true)(req, res, next);
    }).toThrow(fault);
    expect(calls).toBe(1);
  });
});
