import { describe, expect, test } from '@jest/globals';
import { type RevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { type CertificateStatus } from '../../../src/revocation/certificate-status.js';
import { ca, type Certificate, type CertificateOptions } from '../../support/chain.js';
import type { CrlMaterial, CrlOptions, RevokedEntry } from '../../support/crl.js';
import {
  chainOf,
  checkerOf,
  day,
  distributionPoints,
  fromNow,
  minute,
  storeOf,
} from '../../support/lists.js';
import { fastestTurn, startCpuClock } from '../../support/cpu-time.js';

interface Case {
  /** Leaf first, up to the root. */
  readonly chain: readonly Certificate[];
  readonly crls: readonly CrlMaterial[];
  readonly cas?: readonly Certificate[];
  readonly policy?: RevocationPolicy;
  readonly at?: Date;
}

function check({ chain, crls, cas = [], policy, at = new Date() }: Case): CertificateStatus {
  return checkerOf([...chain.slice(1), ...cas], crls, policy).checkChain(chainOf(...chain), at);
}

/** `'good'`, `'revoked'`, or why it is unknown. */
function verdict(of: Case): string {
  const status = check(of);
  return status.status === 'unknown' ? status.cause : status.status;
}

function listed(
  { serialContent }: { serialContent: Buffer },
  more: Partial<RevokedEntry> = {},
): RevokedEntry {
  return { serial: serialContent, ...more };
}

const root = ca('root');
const east = root.intermediate('east');
const client = east.client('client1');
const chain = [client, east, root];

describe('a certificate', () => {
  test('that no CRL lists is good until the earliest nextUpdate', () => {
    const [soon, later] = [fromNow(day), fromNow(2 * day)];
    for (const [ofEast, ofRoot] of [
      [soon, later],
      [later, soon],
    ]) {
      const crls = [east.crl({ nextUpdate: ofEast! }), root.crl({ nextUpdate: ofRoot! })];
      expect(check({ chain, crls })).toMatchObject({ status: 'good', until: soon.getTime() });
    }
  });

  test('is good during the grace period', () => {
    const nextUpdate = fromNow(day);
    const crls = [east.crl({ nextUpdate }), root.crl({ nextUpdate })];
    expect(check({ chain, crls, policy: { graceMs: 5000 } })).toMatchObject({
      status: 'good',
      until: nextUpdate.getTime() + 5000,
    });
  });

  test.each<[string, CrlOptions, RevocationPolicy]>([
    ['no CRL names a nextUpdate', { nextUpdate: null }, {}],
    ['stale CRLs are allowed', {}, { stale: 'allow' }],
  ])('is good forever if %s', (_why, options, policy) => {
    const crls = [east.crl(options), root.crl(options)];
    expect(check({ chain, crls, policy })).toMatchObject({ status: 'good', until: Infinity });
  });

  test('that a CRL lists is revoked, with the details of its entry', () => {
    const date = new Date('2024-05-06T07:08:09Z');
    const revoked = [{ serial: '0a' }, listed(client, { date, reason: 'keyCompromise' })];
    const crls = [root.crl(), east.crl({ revoked, number: 4 })];
    const status = check({ chain, crls });
    expect(status).toMatchObject({ status: 'revoked', reason: 'keyCompromise', revocationDate: date });
    if (status.status !== 'revoked') throw new Error(status.status);
    expect(status.certificate.raw).toEqual(client.der);
    expect(status.revokedBy.crl.number).toBe(4n);
    expect(status.revokedBy.signer.raw).toEqual(east.der);
  });

  test('with the serial number of a revoked certificate of another CA is good', () => {
    const west = root.intermediate('west');
    const twin = west.client({ serial: client.serialContent });
    const crls = [root.crl(), east.crl({ revoked: [client] }), west.crl()];
    expect(verdict({ chain: [twin, west, root], crls, cas: [east] })).toBe('good');
    expect(verdict({ chain, crls, cas: [west] })).toBe('revoked');
  });

  test('is revoked whatever its revocation date', () => {
    const revoked = [listed(client, { date: fromNow(365 * day) })];
    expect(verdict({ chain, crls: [root.crl(), east.crl({ revoked })] })).toBe('revoked');
  });

  test('that a full CRL lists as removeFromCRL is revoked: only a delta can lift a hold', () => {
    const revoked = [listed(client, { reason: 'removeFromCRL' })];
    expect(verdict({ chain, crls: [root.crl(), east.crl({ revoked })] })).toBe('revoked');
  });

  test('is found if the CRL spells the name of the issuer differently', () => {
    const issuerName = ca(' EAST ').subject;
    expect(verdict({ chain, crls: [root.crl(), east.crl({ issuerName, revoked: [client] })] })).toBe(
      'revoked',
    );
    expect(verdict({ chain, crls: [root.crl(), east.crl({ issuerName })] })).toBe('good');
  });
});

describe('the part of the path that is checked', () => {
  const crls = [root.crl({ revoked: [east] }), east.crl()];

  test('is every certificate below the root by default', () => {
    const status = check({ chain, crls });
    expect(status.status === 'revoked' && status.certificate.raw).toEqual(east.der);
  });

  test('is only the leaf under scope leaf', () => {
    expect(verdict({ chain, crls, policy: { scope: 'leaf' } })).toBe('good');
    const revoked = [root.crl(), east.crl({ revoked: [client] })];
    expect(verdict({ chain, crls: revoked, policy: { scope: 'leaf' } })).toBe('revoked');
    expect(verdict({ chain, crls: [root.crl()], policy: { scope: 'leaf' } })).toBe('no-crl');
  });

  test('starts with the leaf', () => {
    const both = [root.crl({ revoked: [east] }), east.crl({ revoked: [client] })];
    const status = check({ chain, crls: both });
    expect(status.status === 'revoked' && status.certificate.raw).toEqual(client.der);
  });

  test('never includes the root, which is trusted by configuration', () => {
    expect(verdict({ chain, crls: [root.crl({ revoked: [root] }), east.crl()] })).toBe('good');
  });
});

describe('a certificate is unknown', () => {
  test('without a CRL of its issuer', () => {
    expect(verdict({ chain, crls: [] })).toBe('no-crl');
    expect(verdict({ chain, crls: [root.crl()] })).toBe('no-crl');
    // The CA above it, too.
    const status = check({ chain, crls: [east.crl()] });
    expect(status.status === 'unknown' && [status.cause, status.certificate.raw]).toEqual([
      'no-crl',
      east.der,
    ]);
  });

  test('with only a delta, which can still revoke', () => {
    expect(verdict({ chain, crls: [root.crl(), east.crl({ delta: 1, number: 2 })] })).toBe('no-crl');
    const policy = { unknown: 'allow' } as const;
    const delta = (options: CrlOptions): CrlMaterial[] => [
      root.crl(),
      east.crl({ delta: 1, number: 2, ...options }),
    ];
    expect(verdict({ chain, crls: delta({ revoked: [client] }), policy })).toBe('revoked');
    expect(verdict({ chain, crls: delta({}), policy })).toBe('good');
    expect(verdict({ chain, crls: delta({ revoked: [client], idp: { onlyCa: true } }), policy })).toBe(
      'good',
    );
  });

  test('if the CRL is for other certificates', () => {
    for (const idp of [{ onlyCa: true }, { onlyAttribute: true }, { fullName: ['http://a.test/1'] }])
      for (const revoked of [[], [client]])
        expect(verdict({ chain, crls: [root.crl(), east.crl({ idp, revoked })] })).toBe('out-of-scope');
  });

  test('and is admitted if the policy allows it', () => {
    const policy = { unknown: 'allow' } as const;
    expect(verdict({ chain, crls: [], policy })).toBe('good');
    expect(verdict({ chain, crls: [root.crl(), east.crl({ idp: { onlyCa: true } })], policy })).toBe('good');
  });

  test('but a revoked CA above it still counts, and so does the date of its CRL', () => {
    const policy = { unknown: 'allow' } as const;
    expect(verdict({ chain, crls: [root.crl({ revoked: [east] })], policy })).toBe('revoked');
    const nextUpdate = fromNow(day);
    expect(check({ chain, crls: [root.crl({ nextUpdate })], policy })).toMatchObject({
      status: 'good',
      until: nextUpdate.getTime(),
    });
  });

  test('but a stale CRL is a separate policy', () => {
    const stale = { thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-day) };
    expect(verdict({ chain, crls: [root.crl(), east.crl(stale)], policy: { unknown: 'allow' } })).toBe(
      'crl-expired',
    );
  });
});

describe('a CRL past its nextUpdate', () => {
  const nextUpdate = fromNow(-minute);
  const thisUpdate = fromNow(-day);
  const stale = (options: CrlOptions = {}): CrlMaterial[] => [
    root.crl({ thisUpdate }),
    east.crl({ thisUpdate, nextUpdate, ...options }),
  ];

  test('can no longer vouch', () => {
    expect(verdict({ chain, crls: stale() })).toBe('crl-expired');
  });

  test.each<RevocationPolicy>([{}, { stale: 'allow' }, { graceMs: day }])(
    'can still convict (%p)',
    (policy) => {
      expect(verdict({ chain, crls: stale({ revoked: [client] }), policy })).toBe('revoked');
    },
  );

  test.each<[string, number, RevocationPolicy, string]>([
    ['a moment before', -1, {}, 'good'],
    ['at the moment itself', 0, {}, 'crl-expired'],
    ['a moment before the grace ends', 999, { graceMs: 1000 }, 'good'],
    ['when the grace ends', 1000, { graceMs: 1000 }, 'crl-expired'],
    ['at the moment itself where stale lists are allowed', 0, { stale: 'allow' }, 'good'],
  ])('counts %s as %i ms by %p', (_when, ms, policy, expected) => {
    const at = new Date(nextUpdate.getTime() + ms);
    expect(verdict({ chain, crls: stale(), policy, at })).toBe(expected);
  });

  test('does not matter if another current CRL covers the same', () => {
    const current = east.crl({ idp: { onlyUser: true } });
    expect(verdict({ chain, crls: [...stale(), current] })).toBe('good');
    expect(verdict({ chain, crls: [current, ...stale()] })).toBe('good');
  });
});

describe('a CRL before its thisUpdate', () => {
  const thisUpdate = fromNow(day);
  test.each<RevocationPolicy>([{}, { stale: 'allow' }])('does not vouch (%p)', (policy) => {
    expect(verdict({ chain, crls: [root.crl(), east.crl({ thisUpdate })], policy })).toBe('crl-expired');
    expect(verdict({ chain, crls: [root.crl(), east.crl({ thisUpdate })], policy, at: thisUpdate })).toBe(
      'good',
    );
  });

  test('revokes', () => {
    expect(verdict({ chain, crls: [root.crl(), east.crl({ thisUpdate, revoked: [client] })] })).toBe(
      'revoked',
    );
  });
});

describe('a delta', () => {
  const hold = [listed(client, { reason: 'certificateHold' })];
  const lift = [listed(client, { reason: 'removeFromCRL' })];
  const idp = { onlyUser: true };
  const expired = { thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-minute) };
  const verdictOf = (base: CrlOptions, delta: CrlOptions): string =>
    verdict({
      chain,
      crls: [root.crl(), east.crl({ number: 5, ...base }), east.crl({ number: 6, delta: 5, ...delta })],
    });

  test.each<[string, CrlOptions, CrlOptions, string]>([
    ['revokes what its base does not', {}, { revoked: [client] }, 'revoked'],
    ['says nothing of what it does not list', {}, {}, 'good'],
    ['does not acquit what its base lists', { revoked: [client] }, {}, 'revoked'],
    ['lifts a hold', { revoked: hold }, { revoked: lift }, 'good'],
    ['lifts nothing where nothing was held', {}, { revoked: lift }, 'good'],
    ['changes the reason', { revoked: hold }, { revoked: [client] }, 'revoked'],
    [
      'applies to a base that is newer than its own',
      { number: 5 },
      { delta: 3, revoked: [client] },
      'revoked',
    ],
    // It cannot be combined with it, and knows more all the same.
    ['convicts where its base is not there', { number: 4 }, { revoked: [client] }, 'revoked'],
    ['does not acquit where its base is not there', { number: 4, ...expired }, {}, 'crl-expired'],
    ['does not lift over a base that is older', { number: 4, revoked: hold }, { revoked: lift }, 'revoked'],
    ['does not apply to a base as new as itself', { number: 6 }, { revoked: [client] }, 'good'],
    ['does not lift over a base that is newer', { number: 7, revoked: hold }, { revoked: lift }, 'revoked'],
    [
      'does not lift over a base without a number',
      { number: null, revoked: hold },
      { revoked: lift },
      'revoked',
    ],
    [
      'convicts over a base without a number that is older',
      { number: null, thisUpdate: fromNow(-day) },
      { revoked: [client] },
      'revoked',
    ],
    [
      'says nothing beside a base without a number that is not',
      { number: null },
      { revoked: [client] },
      'good',
    ],
    ['without a number does not lift', { revoked: hold }, { number: null, revoked: lift }, 'revoked'],
    [
      'without a number does not lift, though it is newer',
      { thisUpdate: fromNow(-day), revoked: hold },
      { number: null, revoked: lift },
      'revoked',
    ],
    [
      'does not lift over a base without a number, though it is newer',
      { number: null, thisUpdate: fromNow(-day), revoked: hold },
      { revoked: lift },
      'revoked',
    ],
    ['of another scope does not lift', { revoked: hold }, { idp, revoked: lift }, 'revoked'],
    ['without a scope does not lift in one', { idp, revoked: hold }, { revoked: lift }, 'revoked'],
    ['of the same scope lifts', { idp, revoked: hold }, { idp, revoked: lift }, 'good'],
    // openssl issue 31297.
    ['that has expired does not lift', { revoked: hold }, { ...expired, revoked: lift }, 'revoked'],
    ['that has expired still convicts', {}, { ...expired, revoked: [client] }, 'revoked'],
    ['does not make a stale base current', expired, {}, 'crl-expired'],
    [
      'that lifts does not make a stale base current',
      { ...expired, revoked: hold },
      { revoked: lift },
      'crl-expired',
    ],
  ])('%s', (_what, base, delta, expected) => {
    expect(verdictOf(base, delta)).toBe(expected);
  });

  const stranger = [{ serial: '0a' }];
  const delta = (number: number, base: number, revoked: NonNullable<CrlOptions['revoked']>): CrlOptions => ({
    number,
    delta: base,
    revoked,
  });
  test.each<[string, CrlOptions, CrlOptions[], string]>([
    [
      'that are as old as one another: either convicts',
      {},
      [delta(6, 5, stranger), delta(6, 5, [client])],
      'revoked',
    ],
    [
      'that are as old as one another: what one lifts the other convicts',
      { revoked: hold },
      [delta(6, 5, lift), delta(6, 5, [client])],
      'revoked',
    ],
    [
      'to different bases: the older one convicts where the newer one is silent',
      {},
      [delta(7, 6, stranger), delta(6, 5, [client])],
      'revoked',
    ],
    [
      'to different bases: the newer one lifts what the older one holds',
      {},
      [delta(7, 5, lift), delta(6, 4, hold)],
      'good',
    ],
    [
      'to different bases: the newer one convicts what the older one lifts',
      { revoked: hold },
      [delta(7, 5, [client]), delta(6, 4, lift)],
      'revoked',
    ],
    [
      'to different bases: one that cannot be combined does not lift what the other holds',
      {},
      [delta(7, 6, lift), delta(6, 5, hold)],
      'revoked',
    ],
  ])('and another one, %s', (_what, base, deltas, expected) => {
    const lists = [root.crl(), east.crl({ number: 5, ...base }), ...deltas.map((one) => east.crl(one))];
    expect(verdict({ chain, crls: lists })).toBe(expected);
    expect(verdict({ chain, crls: lists.reverse() })).toBe(expected);
  });

  test('of another key of the same name does not lift', () => {
    const other = root.intermediate('east');
    const crls = [
      root.crl(),
      east.crl({ number: 5, revoked: hold }),
      other.crl({ number: 6, delta: 5, revoked: lift }),
    ];
    expect(verdict({ chain, crls, cas: [other] })).toBe('revoked');
  });

  test('of another CA does not lift', () => {
    const west = root.intermediate({ commonName: 'west', privateKey: east.privateKey });
    const crls = [
      root.crl(),
      east.crl({ number: 5, revoked: hold }),
      west.crl({ number: 6, delta: 5, revoked: lift }),
    ];
    expect(verdict({ chain, crls, cas: [west] })).toBe('revoked');
  });

  test('is reported as the revoking CRL if it revokes', () => {
    const crls = [
      root.crl(),
      east.crl({ number: 5, revoked: hold }),
      east.crl({ number: 6, delta: 5, revoked: [listed(client, { reason: 'keyCompromise' })] }),
    ];
    const status = check({ chain, crls });
    expect(status).toMatchObject({ status: 'revoked', reason: 'keyCompromise' });
    expect(status.status === 'revoked' && status.revokedBy.crl.number).toBe(6n);
  });

  test('lifts a hold until its nextUpdate, after which the certificate is revoked again', () => {
    const nextUpdate = fromNow(day);
    const delta = east.crl({ number: 6, delta: 5, nextUpdate, revoked: lift });
    const crls = [root.crl(), east.crl({ number: 5, revoked: hold }), delta];
    expect(verdict({ chain, crls, at: new Date(nextUpdate.getTime() - 1) })).toBe('good');
    const status = check({ chain, crls, at: nextUpdate });
    expect(status).toMatchObject({ status: 'revoked', reason: 'certificateHold' });
    expect(status.status === 'revoked' && status.revokedBy.crl.number).toBe(5n);
    // Where nothing was held, nothing comes back.
    expect(verdict({ chain, crls: [root.crl(), east.crl({ number: 5 }), delta], at: nextUpdate })).toBe(
      'good',
    );
  });

  test('past its nextUpdate still lifts a hold within the grace period', () => {
    const crls = [
      root.crl(),
      east.crl({ number: 5, revoked: hold }),
      east.crl({ number: 6, delta: 5, ...expired, revoked: lift }),
    ];
    expect(verdict({ chain, crls, policy: { graceMs: day } })).toBe('good');
    expect(verdict({ chain, crls, policy: { stale: 'allow' } })).toBe('good');
  });
});

describe('CRLs for different reasons', () => {
  const rest = [
    'cACompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'certificateHold',
    'privilegeWithdrawn',
    'aACompromise',
  ] as const;
  const some = (
    onlySomeReasons: NonNullable<NonNullable<CrlOptions['idp']>['onlySomeReasons']>,
    options: CrlOptions = {},
  ): CrlMaterial => east.crl({ idp: { onlySomeReasons }, ...options });

  test('vouch together', () => {
    expect(verdict({ chain, crls: [root.crl(), some(['keyCompromise']), some(rest)] })).toBe('good');
  });

  test('do not vouch if a reason is not covered', () => {
    expect(verdict({ chain, crls: [root.crl(), some(rest)] })).toBe('out-of-scope');
    expect(verdict({ chain, crls: [root.crl(), some(['keyCompromise']), some(rest.slice(1))] })).toBe(
      'out-of-scope',
    );
  });

  test('revoke individually', () => {
    expect(verdict({ chain, crls: [root.crl(), some(['superseded'], { revoked: [client] })] })).toBe(
      'revoked',
    );
  });

  test('vouch until the earliest nextUpdate', () => {
    const soon = fromNow(minute);
    const crls = [root.crl(), some(['keyCompromise'], { nextUpdate: soon }), some(rest)];
    expect(check({ chain, crls })).toMatchObject({ status: 'good', until: soon.getTime() });
  });

  test('do not vouch if one of them is stale', () => {
    const stale = { thisUpdate: fromNow(-day), nextUpdate: fromNow(-minute) };
    expect(verdict({ chain, crls: [root.crl(), some(['keyCompromise'], stale), some(rest)] })).toBe(
      'crl-expired',
    );
  });

  test('can belong to distribution points of the certificate', () => {
    const uri = ['http://a.test/1', 'http://a.test/2'] as const;
    const sharded = (first: number[], second: number[]): ReturnType<typeof east.client> =>
      east.client({
        extraExtensions: [
          distributionPoints({ uris: [uri[0]], reasons: first }, { uris: [uri[1]], reasons: second }),
        ],
      });
    const crls = [root.crl(), ...uri.map((name) => east.crl({ idp: { fullName: [name] } }))];
    expect(verdict({ chain: [sharded([1, 2], [3, 4, 5, 6, 7, 8]), east, root], crls })).toBe('good');
    expect(verdict({ chain: [sharded([1, 2], [3, 4, 5, 6, 7]), east, root], crls })).toBe('out-of-scope');
  });
});

describe('another key with the name of the issuer', () => {
  const newKey = root.intermediate('east');

  test('has full authority if the issuer’s own key has signed no CRL', () => {
    expect(verdict({ chain, crls: [root.crl(), newKey.crl()], cas: [newKey] })).toBe('good');
    expect(verdict({ chain, crls: [root.crl(), newKey.crl({ revoked: [client] })], cas: [newKey] })).toBe(
      'revoked',
    );
  });

  test('can only revoke if it has', () => {
    const own = east.crl({ revoked: [client] });
    expect(verdict({ chain, crls: [root.crl(), newKey.crl(), own], cas: [newKey] })).toBe('revoked');
    const ofNewKey = newKey.crl({ revoked: [client] });
    expect(verdict({ chain, crls: [root.crl(), ofNewKey, east.crl()], cas: [newKey] })).toBe('revoked');
    const stale = east.crl({ thisUpdate: fromNow(-day), nextUpdate: fromNow(-minute) });
    expect(verdict({ chain, crls: [root.crl(), newKey.crl(), stale], cas: [newKey] })).toBe('crl-expired');
  });

  test('has no authority once it is revoked', () => {
    const revokedKey = root.crl({ revoked: [newKey] });
    expect(verdict({ chain, crls: [revokedKey, newKey.crl()], cas: [newKey] })).toBe('out-of-scope');
    expect(verdict({ chain, crls: [revokedKey, newKey.crl({ revoked: [client] })], cas: [newKey] })).toBe(
      'out-of-scope',
    );
  });

  const policy = { scope: 'leaf', unknown: 'allow' } as const;
  const strict = { scope: 'leaf' } as const;
  const convicts = newKey.crl({ revoked: [client] });

  test('can only revoke if its own status is unknown', () => {
    expect(verdict({ chain, crls: [newKey.crl()], cas: [newKey], policy: strict })).toBe('out-of-scope');
    expect(verdict({ chain, crls: [convicts], cas: [newKey], policy })).toBe('revoked');
    expect(verdict({ chain, crls: [root.crl(), newKey.crl()], cas: [newKey], policy: strict })).toBe('good');
  });

  test('can only revoke if the CRL that covers it is stale, whatever the policy for unknown certificates', () => {
    const stale = root.crl({ thisUpdate: fromNow(-day), nextUpdate: fromNow(-minute) });
    expect(verdict({ chain, crls: [stale, convicts], cas: [newKey], policy })).toBe('revoked');
    expect(verdict({ chain, crls: [stale, newKey.crl()], cas: [newKey], policy })).toBe('crl-expired');
  });

  test('can only revoke once its certificate has expired', () => {
    const short = root.intermediate({ commonName: 'east', notAfter: fromNow(10 * minute) });
    const lists = (by: CrlMaterial): Case => ({ chain, crls: [root.crl(), by], cas: [short] });
    const [now, then] = [fromNow(9 * minute), fromNow(10 * minute)];
    expect(verdict({ ...lists(short.crl()), at: now })).toBe('good');
    expect(verdict({ ...lists(short.crl()), at: then })).toBe('out-of-scope');
    expect(verdict({ ...lists(short.crl({ revoked: [client] })), at: then })).toBe('revoked');
  });

  test('vouches until its certificate, or the CRL that covers it, expires', () => {
    const [soon, later] = [fromNow(10 * minute), fromNow(20 * minute)];
    const short = root.intermediate({ commonName: 'east', notAfter: soon });
    expect(
      check({ chain, crls: [root.crl({ nextUpdate: later }), short.crl()], cas: [short], policy: strict }),
    ).toMatchObject({ status: 'good', until: soon.getTime() });
    expect(
      check({ chain, crls: [root.crl({ nextUpdate: soon }), newKey.crl()], cas: [newKey], policy: strict }),
    ).toMatchObject({ status: 'good', until: soon.getTime() });
  });

  test('of another CA with the same name is ignored if the issuer’s own key has signed a CRL', () => {
    const west = root.intermediate('west');
    const namesake = west.intermediate('east');
    const others = [root.crl(), west.crl(), namesake.crl({ revoked: [client] })];
    expect(verdict({ chain, crls: [...others, east.crl()], cas: [west, namesake] })).toBe('good');
    expect(verdict({ chain, crls: others, cas: [west, namesake] })).toBe('revoked');
    // Nor does it acquit where there is no other list.
    const silent = [root.crl(), west.crl(), namesake.crl()];
    expect(verdict({ chain, crls: silent, cas: [west, namesake] })).toBe('out-of-scope');
    // Below the issuer, it is not the issuer either, whatever it calls itself.
    const below = root.intermediate('sub').intermediate('root');
    const leaf = root.client();
    const list = below.crl({ revoked: [leaf] });
    expect(verdict({ chain: [leaf, root], crls: [root.crl(), list], cas: [below] })).toBe('good');
  });

  test('counts in any order of the certificates of a rollover', () => {
    const renewed = ca('root');
    const bridge = root.selfIssued({ privateKey: renewed.privateKey });
    const back = renewed.selfIssued({ privateKey: root.privateKey });
    const [old, young] = [root.client(), renewed.client()];
    for (const link of [bridge, back]) {
      const orders = [
        [root, renewed, link],
        [link, root, renewed],
        [renewed, link, root],
      ];
      for (const cas of orders) {
        const judge = (leaf: Certificate, crls: CrlMaterial[]): string => {
          const store = storeOf(...cas);
          const path = store.chainOf(chainOf(leaf)[0]!, [], new Date());
          const { status } = checkerOf(cas, crls).checkChain(path!, new Date());
          return status;
        };
        expect(judge(old, [root.crl(), renewed.crl({ revoked: [old] })])).toBe('revoked');
        expect(judge(young, [root.crl({ revoked: [young] }), renewed.crl()])).toBe('revoked');
        expect(judge(old, [root.crl(), renewed.crl()])).toBe('good');
        expect(judge(young, [root.crl(), renewed.crl()])).toBe('good');
      }
    }
  });

  test('counts for a scope without a CRL by the issuer’s own key', () => {
    const parts = [east.crl({ idp: { onlyCa: true } }), newKey.crl({ idp: { onlyUser: true } })];
    expect(verdict({ chain, crls: [root.crl(), ...parts], cas: [newKey] })).toBe('good');
  });

  test('that the old key of a root has certified revokes beside the old key, and vouches in its place', () => {
    const bridge = root.selfIssued();
    const leaf = root.client();
    const lists = (...crls: CrlMaterial[]): Case => ({ chain: [leaf, root], crls, cas: [bridge] });
    expect(verdict(lists(root.crl(), bridge.crl({ revoked: [leaf] })))).toBe('revoked');
    expect(verdict(lists(root.crl(), bridge.crl()))).toBe('good');
    const stale = root.crl({ thisUpdate: fromNow(-day), nextUpdate: fromNow(-minute) });
    expect(verdict(lists(stale, bridge.crl()))).toBe('crl-expired');
    // Only the CRL itself covers the certificate of its signer.
    expect(verdict(lists(bridge.crl()))).toBe('good');
    // The new key has a certificate that it signed itself, too: which of the two is found first does not matter.
    const renewed = root.reissue({ privateKey: bridge.privateKey });
    for (const cas of [
      [bridge, renewed],
      [renewed, bridge],
    ])
      expect(verdict({ ...lists(root.crl(), bridge.crl({ revoked: [leaf] })), cas })).toBe('revoked');
  });

  test('vouches as long as any of its certificates allows', () => {
    const short = root.intermediate({ commonName: 'east', notAfter: fromNow(10 * minute) });
    const long = root.intermediate({
      commonName: 'east',
      privateKey: short.privateKey,
      notAfter: fromNow(20 * minute),
    });
    for (const cas of [
      [short, long],
      [long, short],
    ])
      expect(check({ chain, crls: [root.crl(), short.crl()], cas })).toMatchObject({
        status: 'good',
        until: fromNow(20 * minute).getTime(),
      });
  });

  test('does not vouch before its certificate is valid', () => {
    const next = root.intermediate({ commonName: 'east', notBefore: fromNow(minute) });
    expect(verdict({ chain, crls: [root.crl(), next.crl()], cas: [next] })).toBe('out-of-scope');
    expect(verdict({ chain, crls: [root.crl(), next.crl({ revoked: [client] })], cas: [next] })).toBe(
      'revoked',
    );
  });

  test('takes bounded time, whatever the number of orders of many keys', () => {
    const leaf = root.client();
    const keys = Array.from({ length: 9 }, () => root.selfIssued({ isCa: false, keyUsage: ['cRLSign'] }));
    const crls = keys.map((key) => key.crl());
    const cpuTime = startCpuClock();
    expect(verdict({ chain: [leaf, root], crls, cas: keys })).toBe('good');
    expect(cpuTime()).toBeLessThan(2000);
  });

  test('has no authority under another root', () => {
    const otherRoot = ca('other');
    const stranger = otherRoot.intermediate('east');
    const cas = [otherRoot, stranger];
    const others = [root.crl(), otherRoot.crl()];
    expect(verdict({ chain, crls: [...others, stranger.crl()], cas })).toBe('out-of-scope');
    expect(verdict({ chain, crls: [...others, stranger.crl({ revoked: [client] })], cas })).toBe(
      'out-of-scope',
    );
    const namesake = ca('east');
    expect(verdict({ chain, crls: [root.crl(), namesake.crl()], cas: [namesake] })).toBe('out-of-scope');
  });

  test('has no authority without a path to a root', () => {
    const orphan = ca('absent').intermediate('east');
    expect(verdict({ chain, crls: [root.crl(), orphan.crl()], cas: [orphan] })).toBe('out-of-scope');
  });

  test('a renewed certificate of the same key is the same key', () => {
    const renewed = east.reissue();
    const crls = [root.crl({ revoked: [renewed] }), renewed.crl({ revoked: [client] })];
    expect(verdict({ chain, crls, cas: [renewed] })).toBe('revoked');
    expect(verdict({ chain, crls: [root.crl(), renewed.crl()], cas: [renewed] })).toBe('good');
  });

  test('each of two roots with the same name answers for its own certificates', () => {
    const twin = ca('root');
    const [mine, theirs] = [root.client({ serial: '0a' }), twin.client({ serial: '0a' })];
    const crls = [root.crl({ revoked: [mine] }), twin.crl()];
    for (const order of [crls, [...crls].reverse()]) {
      expect(verdict({ chain: [mine, root], crls: order, cas: [twin] })).toBe('revoked');
      expect(verdict({ chain: [theirs, twin], crls: order, cas: [root] })).toBe('good');
    }
  });
});

describe('an indirect CRL', () => {
  const agent = root.intermediate({ commonName: 'agent', keyUsage: ['cRLSign'], isCa: false });
  const asksAgent: CertificateOptions = {
    extraExtensions: [distributionPoints({ crlIssuer: agent.subject })],
  };
  const indirect = (revoked: readonly RevokedEntry[] = [], by = agent): CrlMaterial =>
    by.crl({ idp: { indirect: true }, revoked });
  const leaf = east.client(asksAgent);
  const path = [leaf, east, root];
  const listedHere = listed(leaf, { certificateIssuer: east.subject });

  test('answers for certificates that name its issuer', () => {
    expect(verdict({ chain: path, crls: [root.crl(), indirect()], cas: [agent] })).toBe('good');
    expect(verdict({ chain: path, crls: [root.crl(), indirect([listedHere])], cas: [agent] })).toBe(
      'revoked',
    );
  });

  test('does not cover the same serial number of another issuer', () => {
    const otherwise = [listed(leaf), listed(leaf, { certificateIssuer: root.subject })];
    expect(verdict({ chain: path, crls: [root.crl(), indirect(otherwise)], cas: [agent] })).toBe('good');
  });

  test('does not answer for certificates that name no CRL issuer, or if it is not indirect', () => {
    expect(verdict({ chain, crls: [root.crl(), indirect()], cas: [agent] })).toBe('no-crl');
    expect(verdict({ chain: path, crls: [root.crl(), agent.crl()], cas: [agent] })).toBe('out-of-scope');
  });

  test('does not answer once its signer is revoked', () => {
    const crls = [root.crl({ revoked: [agent] }), indirect()];
    expect(verdict({ chain: path, crls, cas: [agent] })).toBe('out-of-scope');
  });

  test('can be signed below another CA, whose CRL then decides about its signer', () => {
    const west = root.intermediate('west');
    const deeper = west.intermediate({ commonName: 'agent', keyUsage: ['cRLSign'], isCa: false });
    const of = (ofWest: CrlMaterial[]): string =>
      verdict({
        chain: path,
        crls: [...ofWest, indirect([], deeper)],
        cas: [west, deeper],
        policy: { scope: 'leaf' },
      });
    expect(of([west.crl()])).toBe('good');
    expect(of([west.crl({ revoked: [deeper] })])).toBe('out-of-scope');
    expect(of([])).toBe('out-of-scope');
  });

  test('does not answer if its signer is under another root', () => {
    const other = ca('other');
    const stranger = other.intermediate({ commonName: 'agent', keyUsage: ['cRLSign'], isCa: false });
    const crls = [root.crl(), other.crl(), indirect([], stranger)];
    expect(verdict({ chain: path, crls, cas: [other, stranger] })).toBe('out-of-scope');
  });

  test('can cover its own signer without a cycle', () => {
    const judge = root.intermediate({
      commonName: 'judge',
      keyUsage: ['cRLSign'],
      isCa: false,
      extraExtensions: [distributionPoints({ crlIssuer: ca('judge').subject })],
    });
    const asker = east.client({ extraExtensions: [distributionPoints({ crlIssuer: judge.subject })] });
    const ofJudge = (revoked: RevokedEntry[]): string =>
      verdict({
        chain: [asker, east, root],
        crls: [indirect(revoked, judge)],
        cas: [judge],
        policy: { scope: 'leaf' },
      });
    expect(ofJudge([])).toBe('good');
    expect(ofJudge([listed(judge, { certificateIssuer: root.subject })])).toBe('out-of-scope');
  });

  test('two whose signers only cover each other cause no cycle', () => {
    const names = ['left', 'right'].map((commonName) => ca(commonName).subject);
    const [left, right] = ['left', 'right'].map((commonName, index) =>
      root.intermediate({
        commonName,
        keyUsage: ['cRLSign'],
        isCa: false,
        extraExtensions: [distributionPoints({ crlIssuer: names[1 - index]! })],
      }),
    );
    const asker = east.client({ extraExtensions: [distributionPoints({ crlIssuer: left!.subject })] });
    const ofRight = (revoked: RevokedEntry[]): string =>
      verdict({
        chain: [asker, east, root],
        crls: [indirect([], left), indirect(revoked, right)],
        cas: [left!, right!],
        policy: { scope: 'leaf' },
      });
    expect(ofRight([])).toBe('good');
    expect(ofRight([listed(left!, { certificateIssuer: root.subject })])).toBe('out-of-scope');
  });

  test('beside the CRL of the issuer: either can revoke', () => {
    const revokedByAgent = [root.crl(), east.crl(), indirect([listedHere])];
    const revokedByEast = [root.crl(), east.crl({ revoked: [leaf] }), indirect()];
    for (const crls of [revokedByAgent, revokedByEast])
      expect(verdict({ chain: path, crls, cas: [agent] })).toBe('revoked');
  });
});

describe('the CAs without a CRL', () => {
  const uncovered = (crls: readonly CrlMaterial[]): string[] =>
    checkerOf([root, east], crls)
      .uncoveredCas(new Date())
      .map(({ subject }) => subject.toString());

  test('are named', () => {
    expect(uncovered([])).toEqual(['CN=root', 'CN=east']);
    expect(uncovered([root.crl()])).toEqual(['CN=east']);
    expect(uncovered([root.crl(), east.crl()])).toEqual([]);
  });

  test('are not covered by a delta', () => {
    expect(uncovered([root.crl(), east.crl({ delta: 1, number: 2 })])).toEqual(['CN=east']);
  });

  test('are identified by key: another CA with the same name does not cover them', () => {
    const twin = ca('root');
    const names = (crls: readonly CrlMaterial[]): number =>
      checkerOf([root, twin], crls).uncoveredCas(new Date()).length;
    expect(names([root.crl()])).toBe(1);
    expect(names([root.crl(), twin.crl()])).toBe(0);
  });

  test('are not those whose other key has signed a CRL', () => {
    const bridge = root.selfIssued();
    expect(checkerOf([root, bridge], [bridge.crl()]).uncoveredCas(new Date())).toEqual([]);
  });

  test('may be covered by an indirect CRL', () => {
    expect(uncovered([root.crl({ idp: { indirect: true } })])).toEqual([]);
  });
});

test('the CRLs of a checker are the given ones, in order, and do not change', () => {
  const checker = checkerOf([root, east], [east.crl({ number: 2 }), root.crl({ number: 3 })]);
  expect(checker.crls.map(({ crl }) => crl.number)).toEqual([2n, 3n]);
  expect(Object.isFrozen(checker.crls)).toBe(true);
});

describe('regressions', () => {
  test('an indirect CRL whose signer is below a revoked CA does not vouch', () => {
    const west = root.intermediate('west');
    const agent = west.intermediate({ commonName: 'agent', keyUsage: ['cRLSign'], isCa: false });
    const leaf = east.client({ extraExtensions: [distributionPoints({ crlIssuer: agent.subject })] });
    const crls = [root.crl({ revoked: [west] }), west.crl(), agent.crl({ idp: { indirect: true } })];
    expect(verdict({ chain: [leaf, east, root], crls, cas: [west, agent] })).toBe('out-of-scope');
  });

  const hold = [listed(client, { reason: 'certificateHold' })];
  const lift = [listed(client, { reason: 'removeFromCRL' })];

  test('a result that depends on a delta is good at most until the nextUpdate of the delta', () => {
    const soon = fromNow(minute);
    const crls = [
      root.crl(),
      east.crl({ number: 5, revoked: hold }),
      east.crl({ number: 6, delta: 5, revoked: lift, nextUpdate: soon }),
    ];
    expect(verdict({ chain, crls, at: soon })).toBe('revoked');
    expect(check({ chain, crls })).toMatchObject({ status: 'good', until: soon.getTime() });
  });

  test('a delta before its thisUpdate does not lift a hold', () => {
    const crls = [
      root.crl(),
      east.crl({ number: 5, revoked: hold }),
      east.crl({ number: 6, delta: 5, revoked: lift, thisUpdate: fromNow(day) }),
    ];
    expect(verdict({ chain, crls })).toBe('revoked');
  });

  test('a CRL signer whose certificate has expired does not vouch', () => {
    const expired = root.intermediate({
      commonName: 'east',
      notBefore: fromNow(-2 * day),
      notAfter: fromNow(-day),
    });
    expect(verdict({ chain, crls: [root.crl(), expired.crl()], cas: [expired] })).toBe('out-of-scope');
  });

  test('nothing vouches at an invalid date', () => {
    const stale = { thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-day) };
    expect(verdict({ chain, crls: [root.crl(), east.crl(stale)], at: new Date(NaN) })).not.toBe('good');
  });
});

describe('a CRL signer that is not the issuer', () => {
  const [from, to] = [fromNow(-day), fromNow(day)];
  const early = { thisUpdate: fromNow(-8 * day), nextUpdate: fromNow(9 * day) };
  const notBefore = fromNow(-9 * day);
  const top = ca({ commonName: 'top', notBefore });
  const issuer = top.intermediate({ commonName: 'east', notBefore });
  const leaf = issuer.client();
  const agent = top.intermediate({ commonName: 'east', notBefore: from, notAfter: to });

  test.each<[string, Date, string]>([
    ['before its time', new Date(from.getTime() - 1), 'out-of-scope'],
    ['when its time begins', from, 'good'],
    ['a moment before its time ends', new Date(to.getTime() - 1), 'good'],
    ['when its time ends', to, 'out-of-scope'],
  ])('answers within its validity period: %s', (_when, at, expected) => {
    const crls = [top.crl(early), agent.crl(early)];
    expect(verdict({ chain: [leaf, issuer, top], crls, cas: [agent], at })).toBe(expected);
  });
});

test('thousands of distribution points take little time with CRLs of many CAs', () => {
  const cas = Array.from({ length: 200 }, (_, index) => ca(`ca ${index}`));
  const [issuer = root] = cas;
  const checker = checkerOf(
    cas,
    cas.map((each) => each.crl()),
  );
  const points = Array.from({ length: 2000 }, (_, index) => `http://a/${index}`);
  const path = chainOf(issuer.client({ crlDistributionPoints: points }), issuer);
  const check = (): void => {
    expect(checker.checkChain(path, new Date()).status).toBe('good');
  };
  expect(fastestTurn(check)).toBeLessThan(75);
});
