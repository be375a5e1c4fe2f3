import { describe, expect, test } from '@jest/globals';
import { areSubjectsCovered, type Coverage, WiderCrls } from '../../../src/revocation/crl-coverage.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import type { ReasonFlag } from '../../support/extensions.js';
import { distinguishedName } from '../../support/names.js';
import { admitted, entriesOf, issuingPoint, storeOf } from './lists.js';

const root = ca('root');
const east = root.intermediate('east');
const namesake = root.intermediate({ commonName: 'root', privateKey: root.privateKey });
const store = storeOf(root, east, namesake);

function coverage(options: CrlOptions = {}, by = root): Coverage {
  return entriesOf(admitted(by.crl(options), store)).coverage;
}

function named(...fullName: string[]): Coverage {
  return coverage({ idp: { fullName } });
}

function covers(wide: Coverage, narrow: Coverage): boolean {
  const [found] = new WiderCrls([{ coverage: wide }]).around(narrow);
  return found !== undefined && areSubjectsCovered(narrow, [found.coverage]);
}

const guest = { serial: '0a', certificateIssuer: distinguishedName({ commonName: 'guest' }) };
const everyFlag: ReasonFlag[] = [
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
];
const everyBit = { oid: '2.5.29.28', critical: true, value: Buffer.from('3005830307ff80', 'hex') };

describe('a CRL covers', () => {
  const [all, users, cas] = [
    coverage(),
    coverage({ idp: { onlyUser: true } }),
    coverage({ idp: { onlyCa: true } }),
  ];
  const attributes = coverage({ idp: { onlyAttribute: true } });
  const nothing = coverage({ idp: { onlyUser: true, onlyCa: true } });
  const some = (...onlySomeReasons: ReasonFlag[]): Coverage => coverage({ idp: { onlySomeReasons } });
  const indirect = coverage({ idp: { indirect: true } });
  const indirectListing = coverage({ idp: { indirect: true }, revoked: [guest] });
  const indirectAtA = (options: CrlOptions = {}): Coverage =>
    coverage({ ...options, idp: { indirect: true, fullName: ['http://a.test'] } });

  test.each<[string, Coverage, string, Coverage, boolean]>([
    ['a full list', all, 'another', all, true],
    ['a full list', all, 'its own delta', coverage({ delta: 1, number: 2 }), true],
    ['a delta', coverage({ delta: 1, number: 2 }), 'a full list', all, false],
    ['a full list', all, 'that of another CA', coverage({}, east), false],
    ['a full list', all, 'one for users', users, true],
    ['a full list', all, 'one for CAs', cas, true],
    ['a full list', all, 'one for attribute certificates', attributes, true],
    ['a full list', all, 'one for nothing', nothing, true],
    ['a list for users', users, 'a full list', all, false],
    ['a list for CAs', cas, 'a full list', all, false],
    ['a list for users', users, 'one for users', users, true],
    ['a list for users', users, 'one for CAs', cas, false],
    ['a list for CAs', cas, 'one for users', users, false],
    ['a list for attribute certificates', attributes, 'one for users', users, false],
    ['a list for nothing', nothing, 'one for users', users, false],
    ['a full list', all, 'one for some reasons', some('superseded'), true],
    ['a list for some reasons', some('superseded'), 'a full list', all, false],
    [
      'a list for two reasons',
      some('superseded', 'keyCompromise'),
      'one for one of them',
      some('superseded'),
      true,
    ],
    ['a list for one reason', some('superseded'), 'one for two', some('superseded', 'keyCompromise'), false],
    ['a list for every reason by name', some(...everyFlag), 'a full list', all, false],
    [
      'a list that names the unused bit too',
      coverage({ extraExtensions: [everyBit] }),
      'a full list',
      all,
      false,
    ],
    ['a full list', all, 'one for a point', named('http://a.test'), true],
    ['a list for a point', named('http://a.test'), 'a full list', all, false],
    ['a list for a point', named('http://a.test'), 'one for another', named('http://b.test'), false],
    [
      'a list for two points',
      named('http://a.test', 'http://b.test'),
      'one for the second',
      named('http://b.test'),
      true,
    ],
    [
      'a list for one point',
      named('http://b.test'),
      'one for it and another',
      named('http://b.test', 'http://a.test'),
      false,
    ],
    [
      'a list for one point',
      named('http://b.test'),
      'one for another and it',
      named('http://a.test', 'http://b.test'),
      false,
    ],
    [
      'a list for a point',
      named('HTTP://A.test'),
      'one for it in another spelling',
      named('http://a.test'),
      true,
    ],
    ['an indirect list', indirect, 'a full list', all, true],
    ['an indirect list', indirect, 'an indirect list of others', indirectListing, true],
    ['a full list', all, 'an indirect list of others', indirectListing, false],
    ['a full list', all, 'an indirect list of none', indirect, true],
    ['a full list', all, 'an indirect list of none for a point', indirectAtA(), true],
    ['a list for a point', named('http://a.test'), 'an indirect list of none for it', indirectAtA(), false],
    [
      'an indirect list for a point',
      indirectAtA(),
      'one for the same',
      indirectAtA({ revoked: [guest] }),
      true,
    ],
    ['an indirect list for a point', indirectAtA(), 'a direct one for it', named('http://a.test'), true],
  ])('%s, %s', (_wide, wide, _narrow, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected);
  });

  test('what a relative name means, of the same issuer', () => {
    const relative = coverage({ extraExtensions: [issuingPoint({ relative: 'part' })] });
    expect(covers(relative, relative)).toBe(true);
    expect(covers(all, relative)).toBe(true);
    expect(covers(relative, named('http://a.test'))).toBe(false);
  });

  test('together with others, what they cover between them', () => {
    expect(areSubjectsCovered(all, [users, cas])).toBe(true);
    expect(areSubjectsCovered(all, [users, attributes])).toBe(false);
    expect(
      areSubjectsCovered(some('superseded', 'keyCompromise'), [some('superseded'), some('keyCompromise')]),
    ).toBe(true);
    expect(areSubjectsCovered(all, [some(...everyFlag)])).toBe(false);
    expect(areSubjectsCovered(users, [])).toBe(false);
  });
});

test('whose CRL it is and which key has signed it is told', () => {
  expect(coverage()).toMatchObject({
    issuer: store.certificates[0]?.subject.canonical,
    key: store.certificates[0]?.publicKey.toString('base64'),
    isDelta: false,
  });
  expect(coverage({}, east).key).not.toBe(coverage().key);
});

test('a direct CRL that names other issuers in its entries speaks of none of them', () => {
  expect(coverage({ revoked: [guest] }).others).toBe('none');
  expect(coverage({ idp: { onlyUser: true }, revoked: [guest] }).others).toBe('none');
});

test('of several each is found once', () => {
  const wide = [
    coverage(),
    named('http://a.test', 'http://b.test'),
    named('http://c.test'),
    named('http://b.test'),
  ];
  const index = new WiderCrls(wide.map((one, place) => ({ coverage: one, place })));
  const places = (narrow: Coverage): number[] => index.around(narrow).map(({ place }) => place);
  expect(places(named('http://b.test'))).toEqual([0, 1, 3]);
  expect(places(named('http://b.test', 'http://a.test'))).toEqual([0, 1]);
  expect(places(named('http://d.test'))).toEqual([0]);
  expect(places(coverage())).toEqual([0]);
});
