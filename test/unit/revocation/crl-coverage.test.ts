import { describe, expect, test } from '@jest/globals';
import { areSubjectsCovered, type Coverage, WiderCrls } from '../../../src/revocation/crl-coverage.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import type { ReasonFlag } from '../../support/extensions.js';
import { distinguishedName } from '../../support/names.js';
import { admitted, entriesOf, issuingPoint, storeOf } from '../../support/lists.js';

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

describe('whether one CRL covers another', () => {
  const [all, users, cas] = [
    coverage(),
    coverage({ idp: { onlyUser: true } }),
    coverage({ idp: { onlyCa: true } }),
  ];
  const attributes = coverage({ idp: { onlyAttribute: true } });
  const nothing = coverage({ idp: { onlyUser: true, onlyCa: true } });
  const some = (...onlySomeReasons: ReasonFlag[]): Coverage => coverage({ idp: { onlySomeReasons } });
  const indirect = coverage({ idp: { indirect: true } });
  const indirectListing = coverage({ idp: { indirect: true }, revoked: [{ serial: '0b' }, guest] });
  const indirectAtA = (options: CrlOptions = {}): Coverage =>
    coverage({ ...options, idp: { indirect: true, fullName: ['http://a.test'] } });

  test.each<[string, string, Coverage, Coverage, boolean]>([
    ['a full list', 'another', all, all, true],
    ['a full list', 'its own delta', all, coverage({ delta: 1, number: 2 }), true],
    ['a delta', 'a full list', coverage({ delta: 1, number: 2 }), all, false],
    ['a full list', 'that of another CA', all, coverage({}, east), false],
    ['a full list', 'one for users', all, users, true],
    ['a full list', 'one for CAs', all, cas, true],
    ['a full list', 'one for attribute certificates', all, attributes, true],
    ['a full list', 'one for nothing', all, nothing, true],
    ['a list for users', 'a full list', users, all, false],
    ['a list for CAs', 'a full list', cas, all, false],
    ['a list for users', 'one for users', users, users, true],
    ['a list for users', 'one for CAs', users, cas, false],
    ['a list for CAs', 'one for users', cas, users, false],
    ['a list for attribute certificates', 'one for users', attributes, users, false],
    ['a list for nothing', 'one for users', nothing, users, false],
    ['a full list', 'one for some reasons', all, some('superseded'), true],
    ['a list for some reasons', 'a full list', some('superseded'), all, false],
    [
      'a list for two reasons',
      'one for one of them',
      some('superseded', 'keyCompromise'),
      some('superseded'),
      true,
    ],
    ['a list for one reason', 'one for two', some('superseded'), some('superseded', 'keyCompromise'), false],
    ['a list for every reason by name', 'a full list', some(...everyFlag), all, false],
    [
      'a list that names the unused bit too',
      'a full list',
      coverage({ extraExtensions: [everyBit] }),
      all,
      false,
    ],
    ['a full list', 'one for a point', all, named('http://a.test'), true],
    ['a list for a point', 'a full list', named('http://a.test'), all, false],
    ['a list for a point', 'one for another', named('http://a.test'), named('http://b.test'), false],
    [
      'a list for two points',
      'one for the second',
      named('http://a.test', 'http://b.test'),
      named('http://b.test'),
      true,
    ],
    [
      'a list for one point',
      'one for it and another',
      named('http://b.test'),
      named('http://b.test', 'http://a.test'),
      false,
    ],
    [
      'a list for one point',
      'one for another and it',
      named('http://b.test'),
      named('http://a.test', 'http://b.test'),
      false,
    ],
    [
      'a list for a point',
      'one for it in another spelling',
      named('HTTP://A.test'),
      named('http://a.test'),
      true,
    ],
    ['an indirect list', 'a full list', indirect, all, true],
    ['an indirect list', 'an indirect list of others', indirect, indirectListing, true],
    ['a full list', 'an indirect list of others', all, indirectListing, false],
    ['a full list', 'an indirect list of none', all, indirect, true],
    ['a full list', 'an indirect list of none for a point', all, indirectAtA(), true],
    ['a list for a point', 'an indirect list of none for it', named('http://a.test'), indirectAtA(), false],
    [
      'an indirect list for a point',
      'one for the same',
      indirectAtA(),
      indirectAtA({ revoked: [guest] }),
      true,
    ],
    ['an indirect list for a point', 'a direct one for it', indirectAtA(), named('http://a.test'), true],
  ])('%s, %s (case %#)', (_wide, _narrow, wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected);
  });

  test('a relative name continues the name of the issuer', () => {
    const relative = coverage({ extraExtensions: [issuingPoint({ relative: 'part' })] });
    expect(covers(relative, relative)).toBe(true);
    expect(covers(all, relative)).toBe(true);
    expect(covers(relative, named('http://a.test'))).toBe(false);
  });

  test('several cover together what any of them covers', () => {
    expect(areSubjectsCovered(all, [users, cas])).toBe(true);
    expect(areSubjectsCovered(all, [users, attributes])).toBe(false);
    expect(
      areSubjectsCovered(some('superseded', 'keyCompromise'), [some('superseded'), some('keyCompromise')]),
    ).toBe(true);
    expect(areSubjectsCovered(all, [some(...everyFlag)])).toBe(false);
    expect(areSubjectsCovered(users, [])).toBe(false);
  });
});

test('the issuer and the signing key are part of it', () => {
  expect(coverage()).toMatchObject({
    issuer: store.certificates[0]?.subject.canonical,
    key: store.certificates[0]?.publicKey.toString('base64'),
    isDelta: false,
  });
  expect(coverage({}, east).key).not.toBe(coverage().key);
});

test('a direct CRL that names other issuers in its entries covers none of them', () => {
  expect(coverage({ revoked: [guest] }).others).toBe('none');
  expect(coverage({ idp: { onlyUser: true }, revoked: [guest] }).others).toBe('none');
});

test('each of several is found once', () => {
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
