import { describe, expect, test } from '@jest/globals';
import { type CrlDiff, compareCrls, type ScopedEntries } from '../../../src/revocation/crl-diff.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions, RevokedEntry } from '../../support/crl.js';
import { distinguishedName } from '../../support/names.js';
import { admitted, entriesOf, storeOf } from '../../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');
const rolled = root.reissue({ key: 'new' });
const store = storeOf(root, east, rolled);

type Lists = readonly (readonly [CrlOptions, typeof root?])[];

function diff(before: Lists, after: Lists): CrlDiff {
  const [left, right] = [before, after].map((lists) =>
    lists.map(([options, by = root]) => entriesOf(admitted(by.crl(options), store))),
  );
  return compareCrls(left!, right!).diff;
}

function revoked(...serials: string[]): CrlOptions {
  return { revoked: serials.map((serial) => ({ serial })) };
}

const hold: CrlOptions = { number: 6, delta: 5, revoked: [{ serial: '0a', reason: 'certificateHold' }] };
const lift: CrlOptions = { number: 6, delta: 5, revoked: [{ serial: '0a', reason: 'removeFromCRL' }] };

describe('the difference between two readings', () => {
  test.each<[string, Lists, Lists, CrlDiff]>([
    ['nothing', [[revoked('0a', '0b')]], [[revoked('0b', '0a')]], { added: 0, removed: 0 }],
    ['one more', [[revoked('0a')]], [[revoked('0a', '0b')]], { added: 1, removed: 0 }],
    ['one less', [[revoked('0a', '0b')]], [[revoked('0b')]], { added: 0, removed: 1 }],
    ['some of each', [[revoked('0a', '0b')]], [[revoked('0b', '0c', '0d0d')]], { added: 2, removed: 1 }],
    ['a hold that is lifted', [[hold]], [[lift]], { added: 0, removed: 1 }],
    ['a hold where one was lifted', [[lift]], [[hold]], { added: 1, removed: 0 }],
    ['nothing but what is lifted', [], [[lift]], { added: 0, removed: 0 }],
    ['the first list', [], [[revoked('0a', '0b')]], { added: 2, removed: 0 }],
    ['the last list', [[revoked('0a', '0b')]], [], { added: 0, removed: 2 }],
    ['the same numbers of another CA', [[revoked('0a')]], [[revoked('0a'), east]], { added: 1, removed: 1 }],
    [
      'a list beside the other',
      [[revoked('0a')]],
      [[revoked('0a')], [revoked('0a', '0b'), east]],
      { added: 2, removed: 0 },
    ],
    [
      'the same number with another reason',
      [[{ revoked: [{ serial: '0a', reason: 'certificateHold' }] }]],
      [[{ revoked: [{ serial: '0a', reason: 'keyCompromise' }] }]],
      { added: 0, removed: 0 },
    ],
  ])('%s', (_what, before, after, expected) => {
    expect(diff(before, after)).toEqual(expected);
  });

  test('a delta beside an unchanged one', () => {
    const [one, two] = [
      admitted(root.crl({ number: 6, delta: 5, ...revoked('0a', '0b') }), store),
      admitted(root.crl({ number: 7, delta: 6, ...revoked('0b', '0c') }), store),
    ].map(entriesOf);
    expect(compareCrls([one!], [one!, two!])).toEqual({ diff: { added: 1, removed: 0 }, shrunk: [] });
    expect(compareCrls([one!], [two!, one!])).toEqual({ diff: { added: 1, removed: 0 }, shrunk: [] });
  });

  test.each<[string, Lists, Lists, CrlDiff]>([
    [
      'one more in the first',
      [[revoked('0a')], [revoked('0b')]],
      [[revoked('0a', '0c')], [revoked('0b')]],
      { added: 1, removed: 0 },
    ],
    [
      'one more in the last',
      [[revoked('0a')], [revoked('0b')]],
      [[revoked('0a')], [revoked('0b', '0c')]],
      { added: 1, removed: 0 },
    ],
    [
      'one in place of both',
      [[revoked('0a')], [revoked('0b')]],
      [[revoked('0a', '0b')]],
      { added: 0, removed: 0 },
    ],
    [
      'both in place of one',
      [[revoked('0a', '0b')]],
      [[revoked('0b')], [revoked('0a')]],
      { added: 0, removed: 0 },
    ],
    [
      'the same one more in both',
      [[revoked('0a')]],
      [[revoked('0a', '0b')], [revoked('0b', '0a', '0c')]],
      { added: 2, removed: 0 },
    ],
    [
      'what both had is gone',
      [[revoked('0a', '0b')], [revoked('0b', '0c')]],
      [[revoked('0a')], [revoked('0c')]],
      { added: 0, removed: 1 },
    ],
  ])('two lists of one scope side by side: %s', (_what, before, after, expected) => {
    expect(diff(before, after)).toEqual(expected);
  });

  const users: CrlOptions = { idp: { onlyUser: true } };
  test.each<[string, Lists, Lists, CrlDiff]>([
    [
      'a partition that goes, where a full list has its entries',
      [[revoked('0a')], [{ ...users, ...revoked('0a') }]],
      [[revoked('0a')]],
      { added: 0, removed: 0 },
    ],
    [
      'a partition that goes, where a full list has some of them',
      [[{ ...users, ...revoked('0a', '0b', '0c') }]],
      [[revoked('0a')]],
      { added: 1, removed: 2 },
    ],
    [
      'a partition that comes, where a full list has its entries',
      [[revoked('0a')]],
      [[revoked('0a')], [{ ...users, ...revoked('0a', '0b') }]],
      { added: 1, removed: 0 },
    ],
    [
      'a full list that goes, where a partition has its entries',
      [[revoked('0a')]],
      [[{ ...users, ...revoked('0a') }]],
      { added: 0, removed: 1 },
    ],
    [
      'a partition that goes, where a full list of another key has its entries',
      [[{ ...users, ...revoked('0a') }]],
      [[revoked('0a'), rolled]],
      { added: 1, removed: 1 },
    ],
    [
      'an entry that goes from a delta to its base',
      [[revoked('0b')], [{ number: 6, delta: 5, ...revoked('0a') }]],
      [[{ number: 5, ...revoked('0a', '0b') }], [{ number: 7, delta: 5 }]],
      { added: 1, removed: 0 },
    ],
    [
      'an entry that a delta lifts, though its base has it',
      [[revoked('0a')], [{ number: 5, delta: 1, ...revoked('0a') }]],
      [[revoked('0a')], [lift]],
      { added: 0, removed: 1 },
    ],
  ])('%s', (_what, before, after, expected) => {
    expect(diff(before, after)).toEqual(expected);
  });

  test('eight full CRLs of wider scopes are searched', () => {
    const serials = ['01', '02', '03', '04', '05', '06', '07', '08', '09'];
    const wider = serials.map((serial): readonly [CrlOptions] => [revoked(serial)]);
    const partition: Lists = [[{ ...users, ...revoked(...serials) }]];
    expect(diff(partition, wider).removed).toBe(1);
    expect(diff(partition, wider.slice(0, 8)).removed).toBe(1);
    expect(diff(partition, wider.slice(1)).removed).toBe(1);
  });

  test('eight CRLs of the same scope are searched', () => {
    const serials = ['01', '02', '03', '04', '05', '06', '07', '08', '09'];
    const lists = serials.map((serial): readonly [CrlOptions] => [revoked(serial)]);
    expect(diff(lists.slice(0, 8), [[revoked(...serials)]])).toEqual({ added: 1, removed: 0 });
    expect(diff(lists, [[revoked(...serials)]])).toEqual({ added: 1, removed: 0 });
  });

  test.each([0, 1])('what one of two CRLs lifts counts as listed by neither, in order %i', (order) => {
    const [before, lifts, holds] = [hold, lift, { ...hold, number: 5, delta: 4 }].map((options) =>
      entriesOf(admitted(root.crl(options), store)),
    );
    const after = order === 0 ? [lifts!, holds!] : [holds!, lifts!];
    expect(compareCrls([before!], after).shrunk).toEqual([before?.scope]);
  });

  test('the same numbers of other issuers in an indirect CRL', () => {
    const indirect = (commonName: string): CrlOptions => {
      const entry: RevokedEntry = { serial: '0a', certificateIssuer: distinguishedName({ commonName }) };
      return { idp: { indirect: true }, revoked: [entry] };
    };
    expect(diff([[indirect('one')]], [[indirect('one')]])).toEqual({ added: 0, removed: 0 });
    expect(diff([[indirect('one')]], [[indirect('two')]])).toEqual({ added: 1, removed: 1 });
  });

  test('an unchanged CRL is not compared entry by entry', () => {
    const shared = entriesOf(admitted(root.crl(revoked('0a')), store));
    // An index that lists something else under the same digest would be noticed if it were read.
    expect(compareCrls([{ ...shared, index: { ...shared.index, issuers: [] } }], [shared])).toEqual({
      diff: { added: 0, removed: 0 },
      shrunk: [],
    });
  });

  test('exactly the scopes that lost entries are reported', () => {
    const entries = (options: CrlOptions, by = root): ScopedEntries =>
      entriesOf(admitted(by.crl(options), store));
    const before = [entries(revoked('0a', '0b')), entries(revoked('0a', '0b'), east)];
    const after = [entries(revoked('0a', '0b', '0c')), entries(revoked('0b'), east)];
    expect(compareCrls(before, after)).toEqual({
      diff: { added: 1, removed: 1 },
      shrunk: [before[1]?.scope],
    });
  });
});
