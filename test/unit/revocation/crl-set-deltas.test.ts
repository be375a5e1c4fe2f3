import { describe, expect, test } from '@jest/globals';
import { scopeKey } from '../../../src/revocation/crl-set.js';
import { refuseRollback } from '../../support/rollback.js';
import { type VerifiedCrl } from '../../../src/revocation/verified-crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { admitted, fromNow, lenient, minute, storeOf } from '../../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');
const rolled = root.reissue({ key: 'new' });
const namesake = root.intermediate({ commonName: 'other', privateKey: root.privateKey });
const store = storeOf(root, east, rolled, namesake);

const idp = { onlyCa: true };
const earlier = fromNow(-10 * minute);
const later = fromNow(-minute);

function list(options: CrlOptions, by = root): VerifiedCrl {
  return admitted(by.crl({ thisUpdate: later, ...options }), store);
}

/** `'goes'` where a reload may replace the one set by the other, else what it says. */
function reload(old: readonly VerifiedCrl[], crls: readonly VerifiedCrl[]): string {
  try {
    refuseRollback(old, { ...lenient, crls });
  } catch (error) {
    return /without a replacement|has no number|has a lower number/.exec(String(error))?.[0] ?? String(error);
  }
  return 'goes';
}

describe('a removed delta', () => {
  test.each<[string, CrlOptions, VerifiedCrl, string]>([
    ['a full CRL of its number', { number: 6 }, list({ number: 6 }), 'goes'],
    ['a full CRL of a higher number', { number: 6 }, list({ number: 7 }), 'goes'],
    ['a full CRL of a lower number', { number: 6 }, list({ number: 5 }), 'without a replacement'],
    ['a full CRL without a number', { number: 1 }, list({ number: null }), 'without a replacement'],
    ['a full CRL of number 0, where it had no number', { number: null }, list({ number: 0 }), 'goes'],
    ['a full CRL of another key', { number: 6 }, list({ number: 7 }, rolled), 'without a replacement'],
    ['a full CRL of another CA', { number: 6 }, list({ number: 7 }, east), 'without a replacement'],
    [
      'a full CRL of another name and the same key',
      { number: 6 },
      list({ number: 7 }, namesake),
      'without a replacement',
    ],
    [
      'a full CRL of another scope',
      { number: 6 },
      list({ number: 7, idp: { onlyCa: true } }),
      'without a replacement',
    ],
    ['one of the same scope', { number: 6, idp }, list({ number: 7, idp }), 'goes'],
  ])('beside %s', (_what, options, full, expected) => {
    const delta = list({ delta: 0, thisUpdate: earlier, ...options });
    expect(reload([delta], [full])).toBe(expected);
  });
});

test.each([
  [7, true, 'goes'],
  [6, true, 'goes'],
  [5, true, 'without a replacement'],
  [7, false, 'without a replacement'],
])(
  'a delta of number 6 beside the full CRL %i by another key, which is newer: %p, %s',
  (number, isNewer, expected) => {
    const delta = list({ number: 6, delta: 5, thisUpdate: earlier });
    const replace = (): void => {
      const crls = [list({ number }, rolled)];
      refuseRollback([delta], { ...lenient, crls, isSuccessor: () => isNewer });
    };
    if (expected === 'goes') expect(replace).not.toThrow();
    else expect(replace).toThrow(expected);
  },
);

describe('a delta that replaces another', () => {
  const old = list({ number: 6, delta: 5, thisUpdate: earlier });

  test.each<[string, CrlOptions, VerifiedCrl[], string]>([
    ['its base', { delta: 5 }, [list({ number: 5 })], 'goes'],
    ['a full CRL that is newer than its base', { delta: 4 }, [list({ number: 5 })], 'goes'],
    ['a full CRL that is older than its base', { delta: 5 }, [list({ number: 4 })], 'without a replacement'],
    ['a full CRL without a number', { delta: 1 }, [list({ number: null })], 'without a replacement'],
    ['nothing', { delta: 5 }, [], 'without a replacement'],
    ['the full CRL of another key', { delta: 5 }, [list({ number: 5 }, rolled)], 'without a replacement'],
    ['a full CRL of another scope', { delta: 5 }, [list({ number: 5, idp })], 'without a replacement'],
  ])('stands on %s', (_what, options, full, expected) => {
    expect(reload([old], [list({ number: 7, ...options }), ...full])).toBe(expected);
  });

  test('is kept beside it, even without its own base', () => {
    const next = [list({ number: 7, delta: 6 }), old, list({ number: 5 })];
    expect(reload([old], next)).toBe('goes');
  });

  test('is one of two, the newer of which has no base', () => {
    const next = [list({ number: 8, delta: 7 }), list({ number: 7, delta: 5 }), list({ number: 5 })];
    expect(reload([old], next)).toBe('goes');
    expect(reload([old], next.reverse())).toBe('goes');
    expect(
      reload([list({ number: 7, delta: 5 })], [list({ number: 8, delta: 7 }), ...next.slice(0, 1)]),
    ).toBe('without a replacement');
  });

  test('is the newest of those that have a base', () => {
    const next = [list({ number: 5, delta: 4 }), list({ number: 7, delta: 5 }), list({ number: 5 })];
    expect(reload([old], next)).toBe('goes');
    expect(reload([old], next.reverse())).toBe('goes');
  });

  test('cannot have a lower number', () => {
    const lower = list({ number: 5, delta: 3 });
    expect(reload([old], [lower, list({ number: 4 })])).toBe('has a lower number');
  });
});

describe('a number and its absence', () => {
  test.each<[string, number | null, number | null, string]>([
    ['none, where there was none', null, null, 'goes'],
    ['0, where there was none', null, 0, 'goes'],
    ['none, where there was 0', 0, null, 'goes'],
    ['none, where there was 1', 1, null, 'has no number'],
  ])('%s', (_what, before, after, expected) => {
    const old = list({ number: before, thisUpdate: earlier });
    expect(reload([old], [list({ number: after })])).toBe(expected);
  });
});

test('two issuing distribution points are two scopes', () => {
  expect(scopeKey(list({ idp: { onlyUser: true } }))).not.toBe(scopeKey(list({ idp: { onlyCa: true } })));
});

test('an unchanged CRL can stay, even if another one lists less', () => {
  const old = list({ number: 5 });
  expect(() => {
    refuseRollback([old], { ...lenient, crls: [old], shrunk: [scopeKey(old)] });
  }).not.toThrow();
});
