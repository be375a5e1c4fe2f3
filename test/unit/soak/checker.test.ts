import { expect, test } from '@jest/globals';
import { graceMs } from '../../../soak/plan.js';
import { Checker } from '../../../soak/truth/checker.js';
import type { Observation } from '../../../soak/truth/observation.js';
import { Standing } from '../../../soak/truth/standing.js';

/** Admitted at 0, revoked by a CRL that was started at 10,000 and complete at 10,200. */
function revokedClient(): { checker: Checker; see: (observation: Partial<Observation>) => void } {
  const checker = new Checker((at) => `at ${at}`);
  const standing = new Standing({ name: 'client', role: 'revoked', kind: 'keep-alive' });
  checker.enrol(1, standing);
  standing.mayBeIn(0);
  standing.mustBeIn(0);
  standing.mayBeOut(10_000, 'revoked', 'renamed into place');
  standing.mustBeOut(10_200);
  return {
    checker,
    see: (observation) => {
      checker.see({ client: 1, ...observation } as Observation);
    },
  };
}

const served = (at: number, by = 'client'): Partial<Observation> => ({
  outcome: 'served',
  from: at - 5,
  to: at + 5,
  at,
  by,
});
const turnedAway = (from: number, to: number): Partial<Observation> => ({
  outcome: 'turned away',
  from,
  to,
  why: 'ECONNRESET',
});

test('a lost good request fails the run, with client, cause and time', () => {
  const { checker, see } = revokedClient();
  see(turnedAway(5000, 5010));
  expect(checker.counts).toMatchObject({ lost: 1, turnedAway: 0 });
  expect(checker.failures).toEqual([
    'lost a good request of client (revoked, keep-alive): ECONNRESET (at 5010)',
  ]);
});

test('an answer more than a second after the change fails the run, one within it does not', () => {
  const { checker, see } = revokedClient();
  see(served(10_200 + graceMs));
  expect(checker.failures).toEqual([]);
  see(served(10_200 + graceMs + 1));
  expect(checker.counts).toMatchObject({ served: 2, late: 1 });
  expect(checker.failures).toHaveLength(1);
  expect(checker.lateness(20_000)).toEqual([
    { cause: 'revoked', way: 'renamed into place', answeredAfter: graceMs + 1, closedAfter: 0 },
  ]);
});

test.each([
  ['from when the list is begun, even if it is asked for before', 9990, 10_001],
  ['within the grace', 10_300, 10_310],
  ['ever after', 60_000, 60_010],
])('a revoked client can be refused %s', (_when, from, to) => {
  const { checker, see } = revokedClient();
  see(turnedAway(from, to));
  expect(checker.counts).toMatchObject({ lost: 0, turnedAway: 1 });
});

test('closing a connection is a failure while its client is in good standing, and expected afterwards', () => {
  const { checker, see } = revokedClient();
  see({ outcome: 'ended', from: 10_350, to: 10_350 });
  expect(checker.failures).toEqual([]);
  expect(checker.lateness(20_000)).toMatchObject([{ closedAfter: 150 }]);
  see({ outcome: 'ended', from: 9000, to: 9000 });
  expect(checker.counts.dropped).toBe(1);
  expect(checker.failures).toHaveLength(1);
});

test('an answer to another client fails the run', () => {
  const { checker, see } = revokedClient();
  see(served(5000, 'another'));
  expect(checker.counts.mistaken).toBe(1);
  expect(checker.failures).toEqual(['took client (revoked, keep-alive) for another (at 5000)']);
});

test('a client whose CA is added and removed is assessed by the time of its request', () => {
  const checker = new Checker(() => '');
  const standing = new Standing({ name: 'guest', role: 'guest', kind: 'http2' });
  checker.enrol(1, standing);
  const see = (observation: Partial<Observation>): number => {
    checker.see({ client: 1, ...observation } as Observation);
    return checker.failures.length;
  };
  expect(see(turnedAway(0, 10))).toBe(0);
  expect(see(served(500, 'guest'))).toBe(1);
  standing.mayBeIn(1000);
  expect(see(turnedAway(1500, 1510))).toBe(1);
  standing.mustBeIn(2000);
  expect(see(turnedAway(2500, 2510))).toBe(1);
  expect(see(turnedAway(3100, 3110))).toBe(2);
  standing.mayBeOut(10_000, 'CA removed', 'before its CRL');
  standing.mustBeOut(10_100);
  standing.mayBeIn(20_000);
  standing.mustBeIn(20_000);
  expect(see(served(12_000, 'guest'))).toBe(3);
  expect(see(turnedAway(12_000, 12_010))).toBe(3);
  expect(see(turnedAway(22_000, 22_010))).toBe(4);
});
