import { describe, expect, test } from '@jest/globals';
import { compareCrls } from '../../../src/revocation/crl-diff.js';
import { type Replacement } from '../../../src/revocation/crl-set.js';
import { refuseRollback } from '../../support/rollback.js';
import { type VerifiedCrl } from '../../../src/revocation/verified-crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { distinguishedName } from '../../support/names.js';
import { failureOf } from '../x509/failure.js';
import { admitted, entriesOf, fromNow, lenient, minute, storeOf } from '../../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');
const rolled = root.reissue({ key: 'new' });
const store = storeOf(root, east, rolled);

const then = fromNow(-10 * minute);
const before = fromNow(-20 * minute);
const later = fromNow(-5 * minute);
const users = { onlyUser: true };
const cas = { onlyCa: true };
const listed = { revoked: [{ serial: '0a' }] };

function list(options: CrlOptions = {}, by = root, origin = 'new.crl'): VerifiedCrl {
  return admitted(by.crl({ thisUpdate: later, ...options }), store, origin);
}

/** What a reload says to `next` in place of `old`; `'goes'` where it may. */
function reload(old: VerifiedCrl[], crls: VerifiedCrl[], rules: Partial<Replacement> = {}): string {
  const { shrunk } = compareCrls(old.map(entriesOf), crls.map(entriesOf));
  try {
    refuseRollback(old, { ...lenient, shrunk, ...rules, crls });
  } catch (error) {
    return (
      /was removed without a replacement|was not issued later|lists fewer/.exec(String(error))?.[0] ??
      String(error)
    );
  }
  return 'goes';
}

const gone = 'was removed without a replacement';
const early = 'was not issued later';

describe('a removed partition, if a full CRL', () => {
  const partition = list({ number: 90, thisUpdate: then, idp: users, ...listed });

  test.each<[string, CrlOptions, string]>([
    ['was issued later, with a lower number', { number: 7 }, 'goes'],
    ['was issued later, without a number', { number: null }, 'goes'],
    ['was issued a second later', { thisUpdate: new Date(then.getTime() + 1000) }, 'goes'],
    ['was issued before, with a higher number', { number: 100, thisUpdate: before }, early],
    ['was issued before, and lists the same', { thisUpdate: before, ...listed }, early],
    ['was issued together with it, and lists less', { thisUpdate: then }, early],
    ['was issued together with it, and lists the same', { thisUpdate: then, ...listed }, 'goes'],
    [
      'was issued together with it, and lifts what it lists',
      { thisUpdate: then, revoked: [{ serial: '0a', reason: 'removeFromCRL' }] },
      early,
    ],
    ['covers users, among others of a point', { idp: { fullName: ['http://a.test'] } }, gone],
    ['covers CAs alone', { idp: cas }, gone],
    ['covers some reasons alone', { idp: { onlySomeReasons: ['superseded'] } }, gone],
    ['is a delta', { number: 91, delta: 90 }, gone],
  ])('%s', (_how, options, expected) => {
    expect(reload([partition], [list(options)])).toBe(expected);
  });

  test('was in force beside it, and is not newer', () => {
    const full = list({ thisUpdate: before });
    expect(reload([full, partition], [full])).toBe(early);
    expect(reload([full, partition], [list({ number: 2 })])).toBe('goes');
    const together = list({ thisUpdate: then, ...listed });
    expect(reload([together, partition], [together])).toBe('goes');
  });

  test('is of another CA, or of another key', () => {
    expect(reload([partition], [list({}, east)])).toBe(gone);
    expect(reload([partition], [list({}, rolled)])).toBe(gone);
  });

  test('is of the newer key of the CA, and the old key has none beside it', () => {
    const asked: unknown[] = [];
    const isSuccessor: Replacement['isSuccessor'] = (...keys) => asked.push(keys) > 0;
    const [ofOldKey, ofNewKey] = [list({ thisUpdate: before }), list({}, rolled)];
    expect(reload([partition], [ofNewKey], { isSuccessor })).toBe('goes');
    expect(asked).toEqual([[ofNewKey.signer, partition.signer]]);
    expect(reload([partition], [ofNewKey, list({}, east)], { isSuccessor })).toBe('goes');
    expect(reload([ofOldKey, partition], [ofOldKey, ofNewKey], { isSuccessor })).toBe(early);
    expect(reload([partition], [list({ thisUpdate: then }, rolled)], { isSuccessor })).toBe(early);
  });

  test('is reported with what it would have to be', () => {
    const full = list({ number: 7, thisUpdate: before });
    const old = list({ number: 3, thisUpdate: then, idp: users }, root, 'part.crl');
    const { code, message } = failureOf(() => {
      refuseRollback([old], { ...lenient, crls: [full] });
    });
    expect(code).toBe('ERR_MTLS_CRL_ROLLBACK');
    expect(message).toBe(
      `part.crl: the CRL number 3 of "CN=root" (${then.toISOString()}) was removed, and the CRL number 7 of "CN=root" ` +
        `(${before.toISOString()}), which would replace it, was not issued later; the previous CRLs stay in force. ` +
        `Publish one that was issued after ${then.toISOString()}`,
    );
  });

  test('comes with an older list of the scope of the partition', () => {
    const older = list({ number: 89, thisUpdate: before, idp: users });
    expect(reload([partition], [list(), older])).toContain('has a lower number');
  });
});

describe('several removed partitions', () => {
  const parts = [
    list({ thisUpdate: then, idp: users, ...listed }),
    list({ thisUpdate: then, idp: cas, ...listed }),
    list({ thisUpdate: then, idp: { fullName: ['http://a.test'] }, ...listed }),
    list({ thisUpdate: then, idp: { onlySomeReasons: ['superseded'] }, ...listed }),
    list({ thisUpdate: then, idp: { onlyAttribute: true }, ...listed }),
  ];

  test('are replaced by one full CRL that was issued after all of them', () => {
    expect(reload(parts, [list()])).toBe('goes');
    expect(reload([...parts, list({ thisUpdate: later, idp: users, number: 2, ...listed })], [list()])).toBe(
      early,
    );
  });

  test('must be replaced even if they cover no client certificate', () => {
    expect(reload(parts.slice(4), [])).toBe(gone);
    expect(reload(parts.slice(4), [list({}, east)])).toBe(gone);
  });

  test('are not replaced by a CRL that covers all but one', () => {
    expect(reload(parts.slice(0, 2), [list({ idp: users, number: 2 })])).toBe(gone);
    expect(reload(parts.slice(2), [list({ idp: { fullName: ['http://a.test'] }, number: 2 })])).toBe(gone);
  });
});

describe('a removed full CRL', () => {
  const full = list({ number: 5, thisUpdate: then, ...listed });

  test('is replaced by one for users and one for CAs that were both issued later', () => {
    expect(reload([full], [list({ idp: users }), list({ idp: cas })])).toBe('goes');
    expect(reload([full], [list({ idp: users }), list({ idp: cas, thisUpdate: before })])).toBe(early);
    expect(reload([full], [list({ idp: users, thisUpdate: then, ...listed }), list({ idp: cas })])).toBe(
      early,
    );
    expect(reload([full], [list({ idp: users }), list({ idp: { onlyAttribute: true } })])).toBe(gone);
    expect(reload([full], [list({ idp: users, thisUpdate: before })])).toBe(gone);
  });

  test('is not replaced by CRLs by reason or by distribution point', () => {
    const rest = [
      'cACompromise',
      'affiliationChanged',
      'superseded',
      'cessationOfOperation',
      'certificateHold',
      'privilegeWithdrawn',
      'aACompromise',
    ] as const;
    const byReason = [['keyCompromise'] as const, rest].map((onlySomeReasons) =>
      list({ idp: { onlySomeReasons } }),
    );
    expect(reload([full], byReason)).toBe(gone);
    const byPoint = ['http://a.test', 'http://b.test'].map((point) => list({ idp: { fullName: [point] } }));
    expect(reload([full], byPoint)).toBe(gone);
  });

  test('is reported with the CRL that would replace it', () => {
    const [good, bad] = [
      list({ idp: users }, root, 'good.crl'),
      list({ number: 77, idp: cas, thisUpdate: before }, root, 'bad.crl'),
    ];
    const { message } = failureOf(() => {
      refuseRollback([full], { ...lenient, crls: [good, bad] });
    });
    expect(message).toContain('the CRL number 77 of');
  });
});

describe('a removed partition with its delta', () => {
  const partition = list({ number: 5, thisUpdate: before, idp: users });
  const delta = list({ number: 6, delta: 5, thisUpdate: then, idp: users, ...listed });

  test('is replaced by a full CRL that was issued after the delta', () => {
    expect(reload([partition, delta], [list()])).toBe('goes');
    expect(reload([partition, delta], [list({ thisUpdate: then })])).toBe(early);
    expect(reload([partition, delta], [list({ thisUpdate: then, ...listed })])).toBe('goes');
  });

  test('is replaced by it beside a later delta without a base', () => {
    const orphan = list({ number: 7, delta: 5, idp: users });
    expect(reload([partition, delta], [list(), orphan])).toBe('goes');
    expect(reload([partition, delta], [orphan])).toBe(gone);
  });
});

describe('a removed partition, if a full CRL is older and its delta is not', () => {
  const partition = list({ thisUpdate: then, idp: users, ...listed });
  const full = list({ number: 5, thisUpdate: before });

  test.each<[string, VerifiedCrl, Partial<Replacement>, string]>([
    ['was issued later', list({ number: 6, delta: 5 }), {}, 'goes'],
    ['has an older base', list({ number: 6, delta: 4 }), {}, 'goes'],
    ['was issued before', list({ number: 6, delta: 5, thisUpdate: before }), {}, early],
    ['has another base', list({ number: 7, delta: 6 }), {}, early],
    ['is of another scope', list({ number: 6, delta: 5, idp: cas }), {}, early],
    ['is by another key', list({ number: 6, delta: 5 }, rolled), {}, early],
    ['has expired', list({ number: 6, delta: 5 }), { isStale: ({ number }) => number === 6n }, early],
    [
      'is current, though its base is not',
      list({ number: 6, delta: 5 }),
      { isStale: ({ number }) => number === 5n },
      'goes',
    ],
  ])('%s', (_how, delta, rules, expected) => {
    expect(reload([full, partition], [full, delta], rules)).toBe(expected);
  });

  test('needs a number to be combined with', () => {
    const unnumbered = list({ number: null, thisUpdate: before });
    expect(reload([unnumbered, partition], [unnumbered, list({ number: 6, delta: 0 })])).toBe(early);
  });
});

describe('a removed indirect partition', () => {
  const guest = { serial: '0b', certificateIssuer: distinguishedName({ commonName: 'guest' }) };
  const idp = { indirect: true, onlyUser: true };
  const indirect = (options: CrlOptions = {}): VerifiedCrl => list({ thisUpdate: then, idp, ...options });

  test('is replaced by an indirect CRL of everything', () => {
    const everything = list({ idp: { indirect: true } });
    expect(reload([indirect({ revoked: [guest] })], [everything])).toBe('goes');
    expect(reload([indirect()], [everything], { canSpareIndirect: () => false })).toBe('goes');
  });

  test('is not replaced by a direct full CRL if it lists certificates of other issuers', () => {
    expect(reload([indirect({ revoked: [guest] })], [list()])).toBe(gone);
  });

  test('is replaced by it if it lists none and no certificate would be admitted without it', () => {
    expect(reload([indirect(listed)], [list()])).toBe('goes');
    expect(reload([indirect(listed)], [list()], { canSpareIndirect: () => false })).toBe(gone);
    // Whether it could be spared is not asked of one that speaks for its issuer alone.
    const direct = list({ thisUpdate: then, idp: users });
    expect(reload([direct], [list()], { canSpareIndirect: () => false })).toBe('goes');
  });
});

describe('an expired delta', () => {
  const full = list({ number: 5, thisUpdate: before });
  const held = list({ number: 6, delta: 5, thisUpdate: then, ...listed });
  const isStale: Replacement['isStale'] = ({ number }) => number === 7n;

  test.each<[string, CrlOptions, string]>([
    ['that lists as much', listed, 'goes'],
    ['that lists more', { revoked: [{ serial: '0a' }, { serial: '0b' }] }, 'goes'],
    ['that leaves out what it lists', {}, 'lists fewer'],
    ['that lifts what it lists', { revoked: [{ serial: '0a', reason: 'removeFromCRL' }] }, 'lists fewer'],
  ])('%s in place of one in force', (_what, options, expected) => {
    const next = list({ number: 7, delta: 5, ...options });
    expect(reload([full, held], [full, next], { isStale })).toBe(expected);
    expect(reload([full, held], [full, next])).toBe('goes');
  });

  test('that omits what its base includes by now', () => {
    const base = list({ number: 5, ...listed });
    expect(reload([full, held], [base, list({ number: 7, delta: 5 })], { isStale })).toBe('goes');
  });

  test('is reported with what it would have to be', () => {
    const next = list({ number: 7, delta: 5 });
    const { code, message } = failureOf(() => {
      refuseRollback([full, held], {
        ...lenient,
        crls: [full, next],
        isStale,
        shrunk: [entriesOf(held).scope],
      });
    });
    expect(code).toBe('ERR_MTLS_CRL_ROLLBACK');
    expect(message).toMatch(
      /^new\.crl: the delta CRL number 7 of "CN=root" \(.*\) has expired and lists fewer certificates than the delta CRL number 6 of "CN=root" \(.*\) in force: publish one that is current; the previous CRLs stay in force$/,
    );
  });

  test('differs from an expired full CRL, which decides by itself', () => {
    const old = list({ number: 5, thisUpdate: then, ...listed });
    expect(reload([old], [list({ number: 7 })], { isStale })).toBe('goes');
  });
});
