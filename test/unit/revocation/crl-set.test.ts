import { describe, expect, test } from '@jest/globals';
import { newestOfEachScope, scopeKey } from '../../../src/revocation/crl-set.js';
import { refuseRollback } from '../../support/rollback.js';
import { type Certificate } from '../../../src/x509/certificate.js';
import { type VerifiedCrl } from '../../../src/revocation/verified-crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { failureOf } from '../x509/failure.js';
import { admitted, fromNow, lenient, minute, storeOf } from '../../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');
const rolled = root.reissue({ key: 'new' });
const store = storeOf(root, east, rolled);

function list(options: CrlOptions = {}, by = root, origin = 'new.crl'): VerifiedCrl {
  return admitted(by.crl(options), store, origin);
}

describe('the scope that one CRL replaces another in', () => {
  const base = scopeKey(list());
  test.each([
    ['another number', list({ number: 9 }), true],
    ['no number', list({ number: null }), true],
    ['a renewed CA with the same key', admitted(root.reissue().crl(), storeOf(root.reissue())), true],
    ['another CA', list({}, east), false],
    ['another key of the same CA', list({}, rolled), false],
    ['a delta', list({ delta: 1, number: 2 }), false],
    ['an issuing distribution point', list({ idp: { onlyUser: true } }), false],
  ])('is with %s the same or another', (_what, other, same) => {
    expect(scopeKey(other) === base).toBe(same);
  });
});

describe('of several CRLs of one scope', () => {
  const earlier = fromNow(-60 * minute);
  const later = fromNow(-1 * minute);
  test.each<[string, CrlOptions, CrlOptions]>([
    ['a higher number', { number: 3 }, { number: 4 }],
    [
      'a higher number and an earlier date',
      { number: 3, thisUpdate: later },
      { number: 4, thisUpdate: earlier },
    ],
    ['the same number and a later date', { thisUpdate: earlier }, { thisUpdate: later }],
    [
      'no numbers and a later date',
      { number: null, thisUpdate: earlier },
      { number: null, thisUpdate: later },
    ],
    ['no number and a later date', { number: 3, thisUpdate: earlier }, { number: null, thisUpdate: later }],
    ['a number and a later date', { number: null, thisUpdate: earlier }, { number: 3, thisUpdate: later }],
    ['a higher number of 20 octets', { number: 2n ** 158n }, { number: 2n ** 158n + 1n }],
  ])('the one with %s stands, whichever comes first', (_what, oldOptions, newOptions) => {
    const [older, newer] = [list(oldOptions), list(newOptions)];
    expect(newestOfEachScope([older, newer])).toEqual([newer]);
    expect(newestOfEachScope([newer, older])).toEqual([newer]);
  });

  test('deltas to different bases stand side by side, those to one base do not', () => {
    const deltas = [
      list({ number: 6, delta: 5 }),
      list({ number: 7, delta: 6 }),
      list({ number: 8, delta: 6 }),
    ];
    expect(newestOfEachScope(deltas)).toEqual([deltas[0], deltas[2]]);
  });

  test('a delta stands beside a full CRL until that has caught up with it', () => {
    const full = list({ number: 6, thisUpdate: earlier });
    const stays = [list({ number: 7, delta: 5 }), list({ number: null, delta: 5, thisUpdate: later })];
    const goes = [list({ number: 6, delta: 5 }), list({ number: null, delta: 5, thisUpdate: earlier })];
    for (const delta of stays) expect(newestOfEachScope([full, delta])).toEqual([full, delta]);
    for (const delta of goes) expect(newestOfEachScope([full, delta])).toEqual([full]);
  });

  test('those of other scopes stand beside it', () => {
    const lists = [list(), list({}, east), list({ idp: { onlyUser: true } }), list({ delta: 1, number: 2 })];
    expect(newestOfEachScope(lists)).toEqual(lists);
  });
});

describe('a reload', () => {
  const thisUpdate = fromNow(-10 * minute);
  const inForce = list({ number: 5, thisUpdate }, root, 'old.crl');
  const still = (): boolean => true;
  const gone = (): boolean => false;

  /** Replaces `old` by `next`; from the scopes of `shrunk` a comparison would have found certificates gone. */
  function replace(
    old: VerifiedCrl[],
    next: VerifiedCrl[],
    isConfigured: (ca: Certificate) => boolean,
    shrunk: readonly VerifiedCrl[] = [],
    isSuccessor = (_one: Certificate, _other: Certificate): boolean => false,
  ): void {
    refuseRollback(old, { ...lenient, crls: next, isConfigured, shrunk: shrunk.map(scopeKey), isSuccessor });
  }

  test.each<[string, CrlOptions]>([
    ['a higher number', { number: 6, thisUpdate }],
    ['a higher number and a later date', { number: 6, thisUpdate: fromNow(-minute) }],
    ['the same number and a later date', { number: 5, thisUpdate: fromNow(-minute) }],
    ['the same number and date', { number: 5, thisUpdate, revoked: [{ serial: '0a' }] }],
  ])('may bring a CRL with %s', (_what, options) => {
    expect(() => {
      replace([inForce], [list(options)], still);
    }).not.toThrow();
  });

  test('may bring the same CRL', () => {
    expect(() => {
      replace([inForce], [inForce], still);
    }).not.toThrow();
  });

  test.each<[string, CrlOptions, string]>([
    [
      'a lower number',
      { number: 4, thisUpdate: fromNow(-minute) },
      'number 4 of "CN=root" (#) has a lower number than the CRL number 5 of "CN=root" (#) in force: publish one with a higher number',
    ],
    [
      'no number where there was one',
      { number: null, thisUpdate: fromNow(-minute) },
      'of "CN=root" (#) has no number, and the CRL number 5 of "CN=root" (#) in force has one: publish one with a higher number',
    ],
    [
      'an earlier date',
      { number: 5, thisUpdate: fromNow(-20 * minute) },
      'number 5 of "CN=root" (#) has an earlier thisUpdate than the CRL number 5 of "CN=root" (#) in force: publish one that was made later',
    ],
    [
      'a higher number and an earlier date',
      { number: 6, thisUpdate: fromNow(-20 * minute) },
      'number 6 of "CN=root" (#) has an earlier thisUpdate than the CRL number 5 of "CN=root" (#) in force: publish one that was made later',
    ],
  ])('does not go back to a CRL with %s', (_what, options, why) => {
    const { code, message } = failureOf(() => {
      replace([inForce], [list(options)], still);
    });
    expect(code).toBe('ERR_MTLS_CRL_ROLLBACK');
    expect(message.replaceAll(/\d{4}-[^)]+Z/g, '#')).toBe(`new.crl: the CRL ${why}; what was in force stays`);
  });

  test('does not go back to an earlier date where neither has a number', () => {
    const [old, next] = [-10, -20].map((minutes) =>
      list({ number: null, thisUpdate: fromNow(minutes * minute) }),
    );
    expect(
      failureOf(() => {
        replace([old!], [next!], still);
      }).code,
    ).toBe('ERR_MTLS_CRL_ROLLBACK');
  });

  test('does not lose the CRL of a CA that is still configured', () => {
    for (const next of [[], [list({}, east)], [list({ number: 6, idp: { onlyUser: true } })]]) {
      const { code, message } = failureOf(() => {
        replace([inForce], next, still);
      });
      expect(code).toBe('ERR_MTLS_CRL_ROLLBACK');
      expect(message).toMatch(
        /^old\.crl: the CRL number 5 of "CN=root" \(.*Z\) is gone and nothing replaces it; what was in force stays\. Publish a newer one, or take its CA out of options\.ca; where its key or its distribution point is to change, publish the old list beside the new one$/,
      );
    }
  });

  test('asks of the CA that signed the CRL whether it is still configured', () => {
    const asked: unknown[] = [];
    replace([inForce], [], (signer) => asked.push(signer) === 0);
    expect(asked).toEqual([inForce.signer]);
  });

  test('may lose the CRL of a CA that goes as well', () => {
    expect(() => {
      replace([inForce], [list({}, east)], gone);
    }).not.toThrow();
  });

  test('may lose a delta to a full CRL of its number, and not before', () => {
    const delta = list({ number: 6, delta: 5 }, root, 'delta.crl');
    const merged = list({ number: 6, thisUpdate: fromNow(-minute) });
    expect(() => {
      replace([inForce, delta], [merged], still);
    }).not.toThrow();
    expect(() => {
      replace([inForce, delta], [inForce], still);
    }).toThrow('is gone');
  });

  test('may not bring a delta that has no full CRL to stand on', () => {
    const delta = list({ number: 6, delta: 5 }, root, 'delta.crl');
    const ahead = list({ number: 9, delta: 8, thisUpdate: fromNow(-minute) });
    expect(() => {
      replace([inForce, delta], [inForce, ahead], still);
    }).toThrow('is gone');
  });

  test('may not bring a CRL as old as the one in force that lists less', () => {
    const other = list({ number: 5, thisUpdate, revoked: [{ serial: '0b' }] });
    expect(
      failureOf(() => {
        replace([inForce], [other], still, [inForce]);
      }),
    ).toMatchObject({
      code: 'ERR_MTLS_CRL_ROLLBACK',
      message: expect.stringContaining(' in force and lists fewer certificates: '),
    });
    expect(() => {
      replace([inForce], [other], still, []);
    }).not.toThrow();
    // Another list that lists less is a matter of its own.
    expect(() => {
      replace([inForce], [other], still, [list({}, east)]);
    }).not.toThrow();
  });

  test('may bring the CRL of another key beside the old one, and not in place of it', () => {
    const ofNewKey = list({ number: 6 }, rolled);
    expect(() => {
      replace([inForce], [inForce, ofNewKey], still);
    }).not.toThrow();
    expect(() => {
      replace([inForce], [ofNewKey], still);
    }).toThrow('is gone');
  });

  test.each<[string, CrlOptions, string | undefined]>([
    ['is no older', { number: 6 }, undefined],
    ['has a lower number', { number: 4 }, 'has a lower number'],
    ['was made before', { number: 6, thisUpdate: fromNow(-20 * minute) }, 'has an earlier thisUpdate'],
    ['is of another scope', { number: 6, idp: { onlyUser: true } }, 'is gone'],
    ['is a delta', { number: 6, delta: 5 }, 'is gone'],
  ])(
    'in place of the CRL of an old key, that of the newer key of the same CA, where it %s',
    (_how, options, message) => {
      const ofNewKey = list(options, rolled);
      const asked: unknown[] = [];
      const reload = (): void => {
        replace([inForce], [ofNewKey], still, [], (one, other) => asked.push([one, other]) > 0);
      };
      if (message === undefined) expect(reload).not.toThrow();
      else expect(reload).toThrow(message);
      for (const pair of asked) expect(pair).toEqual([ofNewKey.signer, inForce.signer]);
    },
  );
});
