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

describe('the scope of a CRL', () => {
  const base = scopeKey(list());
  test.each([
    ['another number', list({ number: 9 }), true],
    ['no number', list({ number: null }), true],
    ['a renewed CA with the same key', admitted(root.reissue().crl(), storeOf(root.reissue())), true],
    ['another CA', list({}, east), false],
    ['another key of the same CA', list({}, rolled), false],
    ['a delta', list({ delta: 1, number: 2 }), false],
    ['an issuing distribution point', list({ idp: { onlyUser: true } }), false],
  ])('with %s is the same or another', (_what, other, same) => {
    expect(scopeKey(other) === base).toBe(same);
  });
});

describe('among CRLs of one scope', () => {
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
  ])('the one with %s is kept, in any order', (_what, oldOptions, newOptions) => {
    const [older, newer] = [list(oldOptions), list(newOptions)];
    expect(newestOfEachScope([older, newer])).toEqual([newer]);
    expect(newestOfEachScope([newer, older])).toEqual([newer]);
  });

  test('deltas to different bases are all kept, those to one base are not', () => {
    const deltas = [
      list({ number: 6, delta: 5 }),
      list({ number: 7, delta: 6 }),
      list({ number: 8, delta: 6 }),
    ];
    expect(newestOfEachScope(deltas)).toEqual([deltas[0], deltas[2]]);
  });

  test('a delta is kept beside a full CRL until that includes it', () => {
    const full = list({ number: 6, thisUpdate: earlier });
    const stays = [list({ number: 7, delta: 5 }), list({ number: null, delta: 5, thisUpdate: later })];
    const goes = [list({ number: 6, delta: 5 }), list({ number: null, delta: 5, thisUpdate: earlier })];
    for (const delta of stays) expect(newestOfEachScope([full, delta])).toEqual([full, delta]);
    for (const delta of goes) expect(newestOfEachScope([full, delta])).toEqual([full]);
  });

  test('CRLs of other scopes are kept too', () => {
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
  ])('accepts a CRL with %s', (_what, options) => {
    expect(() => {
      replace([inForce], [list(options)], still);
    }).not.toThrow();
  });

  test('accepts the same CRL', () => {
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
      'number 5 of "CN=root" (#) has an earlier thisUpdate than the CRL number 5 of "CN=root" (#) in force: publish one that was issued later',
    ],
    [
      'a higher number and an earlier date',
      { number: 6, thisUpdate: fromNow(-20 * minute) },
      'number 6 of "CN=root" (#) has an earlier thisUpdate than the CRL number 5 of "CN=root" (#) in force: publish one that was issued later',
    ],
  ])('rejects a CRL with %s', (_what, options, why) => {
    const { code, message } = failureOf(() => {
      replace([inForce], [list(options)], still);
    });
    expect(code).toBe('ERR_MTLS_CRL_ROLLBACK');
    expect(message.replaceAll(/\d{4}-[^)]+Z/g, '#')).toBe(
      `new.crl: the CRL ${why}; the previous CRLs stay in force`,
    );
  });

  test('rejects an earlier date if neither CRL has a number', () => {
    const [old, next] = [-10, -20].map((minutes) =>
      list({ number: null, thisUpdate: fromNow(minutes * minute) }),
    );
    expect(
      failureOf(() => {
        replace([old!], [next!], still);
      }).code,
    ).toBe('ERR_MTLS_CRL_ROLLBACK');
  });

  test('rejects the removal of a CRL while its CA is configured', () => {
    for (const next of [[], [list({}, east)], [list({ number: 6, idp: { onlyUser: true } })]]) {
      const { code, message } = failureOf(() => {
        replace([inForce], next, still);
      });
      expect(code).toBe('ERR_MTLS_CRL_ROLLBACK');
      expect(message).toMatch(
        /^old\.crl: the CRL number 5 of "CN=root" \(.*Z\) was removed without a replacement; the previous CRLs stay in force\. Publish a newer one, or remove its CA from options\.ca; to change its key or its distribution point, publish the old CRL beside the new one for a while$/,
      );
    }
  });

  test('checks whether the CA that signed the CRL is still configured', () => {
    const asked: unknown[] = [];
    replace([inForce], [], (signer) => asked.push(signer) === 0);
    expect(asked).toEqual([inForce.signer]);
  });

  test('accepts the removal of a CRL together with its CA', () => {
    expect(() => {
      replace([inForce], [list({}, east)], gone);
    }).not.toThrow();
  });

  test('accepts the removal of a delta only once a full CRL has its number', () => {
    const delta = list({ number: 6, delta: 5 }, root, 'delta.crl');
    const merged = list({ number: 6, thisUpdate: fromNow(-minute) });
    expect(() => {
      replace([inForce, delta], [merged], still);
    }).not.toThrow();
    expect(() => {
      replace([inForce, delta], [inForce], still);
    }).toThrow('without a replacement');
  });

  test('rejects a delta without a full CRL', () => {
    const delta = list({ number: 6, delta: 5 }, root, 'delta.crl');
    const ahead = list({ number: 9, delta: 8, thisUpdate: fromNow(-minute) });
    expect(() => {
      replace([inForce, delta], [inForce, ahead], still);
    }).toThrow('without a replacement');
  });

  test('rejects an equally old CRL that lists less', () => {
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

  test('accepts the CRL of another key beside the old one, not in place of it', () => {
    const ofNewKey = list({ number: 6 }, rolled);
    expect(() => {
      replace([inForce], [inForce, ofNewKey], still);
    }).not.toThrow();
    expect(() => {
      replace([inForce], [ofNewKey], still);
    }).toThrow('without a replacement');
  });

  test.each<[string, CrlOptions, string | undefined]>([
    ['is no older', { number: 6 }, undefined],
    ['has a lower number', { number: 4 }, 'has a lower number'],
    ['was made before', { number: 6, thisUpdate: fromNow(-20 * minute) }, 'has an earlier thisUpdate'],
    ['is of another scope', { number: 6, idp: { onlyUser: true } }, 'without a replacement'],
    ['is a delta', { number: 6, delta: 5 }, 'without a replacement'],
  ])(
    'replaces the CRL of an old key by that of a newer key of the same CA if it %s',
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
