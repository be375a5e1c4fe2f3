import { expect, test } from '@jest/globals';
import { connectionKinds, overloads, redisKinds } from '../../../soak/plan.js';
import type { SoakResult } from '../../../soak/result.js';
import type { Counts } from '../../../soak/truth/checker.js';
import { redisOutage } from '../../../soak/remote/redis-outlet.js';
import { slopeOf } from '../../../soak/truth/memory-slope.js';
import { inRedis, overHttp, underSni } from '../../../soak/truth/standing.js';
import { allFaults, findFailures } from '../../../soak/truth/verdict.js';

const [firstLoad] = overloads.map(({ name }) => name);

const none = { p99: 0, max: 0 };

const passed: SoakResult = {
  measuredAt: '2026-01-01T00:00:00.000Z',
  machine: {},
  seconds: 600,
  counts: {
    served: 5,
    turnedAway: 0,
    lost: 0,
    late: 0,
    dropped: 0,
    mistaken: 0,
    servedByKind: Object.fromEntries(connectionKinds.map((kind) => [kind, 1])) as Counts['servedByKind'],
    resumed: 9,
    notResumed: 1,
  },
  lateness: [
    { cause: 'revoked', clients: 2, answeredAfter: none, closedAfter: none },
    ...[underSni, inRedis, overHttp].map((way) => ({
      ...{ cause: 'revoked' as const, way, clients: 1 },
      ...{ answeredAfter: none, closedAfter: none },
    })),
    { cause: 'expired', clients: 1, answeredAfter: none, closedAfter: none },
    { cause: 'CA removed', clients: 1, answeredAfter: none, closedAfter: none },
  ],
  changes: {
    goodLists: {},
    brokenLists: {},
    brokenSources: Object.fromEntries(allFaults.map((fault) => [fault, 1])),
    rotations: { 'key first': 1 },
    casAdded: 1,
    casRemoved: 1,
  },
  standingFaults: { samples: 590, without: 0 },
  overloads: overloads.map(({ name }) => ({
    name,
    revocations: 1,
    handled: 1000,
    lastHandledMs: 500,
    closedMs: 600,
    afterCommit: 0,
  })),
  skippedKinds: [],
  serverCertificates: 4,
  server: { reloads: 1, authenticated: 1, failedReloads: {}, evicted: {}, refused: {}, warnings: [] },
  memory: {
    megabytesAMinute: 0.2,
    countedMegabytesAMinute: 0.1,
    samples: 480,
    warmUpSeconds: 120,
    isAsserted: true,
    warm: 100,
    last: 100,
    peak: 110,
    resident: [],
  },
  left: [],
  exit: 0,
  seen: [],
};

function withoutKey(name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(passed.changes.brokenSources).filter(([key]) => key !== name));
}

test('a run without failures has passed', () => {
  expect(findFailures(passed)).toEqual([]);
});

test.each<[string, Partial<SoakResult>, string]>([
  ['something the checker saw', { seen: ['lost a good request'] }, 'lost a good request'],
  [
    'memory that grows',
    { memory: { ...passed.memory, megabytesAMinute: 1.2 } },
    'resident memory grew by 1.20 MB a minute over 480 samples; the limit is 1',
  ],
  [
    'memory that was not looked at',
    { memory: { ...passed.memory, megabytesAMinute: 0, samples: 0 } },
    'resident memory grew by 0.00 MB a minute over 0 samples; the limit is 1',
  ],
  [
    'a handle left',
    { left: ['TCPSocketWrap', 'socket'] },
    'the server closed everything and still holds TCPSocketWrap, socket',
  ],
  ['a process that stays', { exit: null }, "the server's process did not end by itself"],
  ['a process that fails', { exit: 7 }, "the server's process ended with 7"],
  [
    'a warning of Node',
    { server: { ...passed.server, warnings: ['MaxListenersExceededWarning: 11 listeners'] } },
    'the server was warned: MaxListenersExceededWarning: 11 listeners',
  ],
  [
    'a kind of client that was never served',
    { counts: { ...passed.counts, servedByKind: { ...passed.counts.servedByKind, http2: 0 } } },
    'no request of kind http2 was served',
  ],
  [
    'no expired certificate',
    { lateness: passed.lateness.filter(({ cause }) => cause !== 'expired') },
    'no client lost access because of: expired',
  ],
  [
    'no revocation under the name of sni',
    { lateness: passed.lateness.filter(({ way }) => way !== underSni) },
    'no client was revoked under a name of sni',
  ],
  [
    'no revocation in Redis',
    { lateness: passed.lateness.filter(({ way }) => way !== inRedis) },
    'no client was revoked in Redis',
  ],
  [
    'no revocation over HTTP',
    { lateness: passed.lateness.filter(({ way }) => way !== overHttp) },
    'no client was revoked over HTTP',
  ],
  [
    'a Redis that was not killed',
    { changes: { ...passed.changes, brokenSources: withoutKey(redisOutage) } },
    'no source was broken by: Redis killed',
  ],
  [
    'a loader of credentials that did not fail',
    { changes: { ...passed.changes, brokenSources: withoutKey('credentials: load() rejects') } },
    'no source was broken by: credentials: load() rejects',
  ],
  [
    'sessions that are not resumed',
    { counts: { ...passed.counts, resumed: 1, notResumed: 1 } },
    '1 of 2 connections that brought a session resumed it; most have to',
  ],
  [
    'a renewed certificate that no client saw',
    { serverCertificates: 3 },
    'the server had 4 certificates, and new connections saw 3',
  ],
  [
    'a load that no client was revoked under',
    { overloads: passed.overloads.slice(1) },
    `no client was revoked under a load of ${firstLoad}`,
  ],
  [
    'a revoked client that is served under load for more than a second',
    { overloads: passed.overloads.map((each, index) => ({ ...each, lastHandledMs: 1001 - index })) },
    `under a load of ${firstLoad}, a revoked client was served for 1001 ms; the limit is 1000`,
  ],
  [
    'a request that reaches a handler after the commit',
    { overloads: passed.overloads.map((each, index) => ({ ...each, afterCommit: index === 0 ? 2 : 0 })) },
    `under a load of ${firstLoad}, 2 of what a revoked client sent reached a handler after the commit`,
  ],
  [
    'a fault that was not tried',
    { changes: { ...passed.changes, brokenSources: withoutKey('the key is encrypted') } },
    'no source was broken by: the key is encrypted',
  ],
  [
    'a moment without a fault',
    { standingFaults: { samples: 590, without: 3 } },
    'in 3 of 590 samples a server had no fault; one source is always broken',
  ],
])('%s fails the run', (_what, change, failure) => {
  expect(findFailures({ ...passed, ...change })).toEqual([failure]);
});

test('a short run does not fail because of a fault that was not tried', () => {
  const changes = { ...passed.changes, brokenSources: {} };
  expect(findFailures({ ...passed, seconds: 30, changes })).toEqual([]);
});

test('a short run reports memory growth, and does not fail because of it', () => {
  const memory = { ...passed.memory, megabytesAMinute: 5, isAsserted: false };
  expect(findFailures({ ...passed, memory })).toEqual([]);
});

test('twenty of many failures are listed, with the number of others', () => {
  const seen = Array.from({ length: 50 }, (_, index) => `lost request ${index}`);
  const failures = findFailures({ ...passed, seen });
  expect(failures).toHaveLength(21);
  expect(failures.at(-1)).toBe('and 30 more of these');
});

test('the slope is that of the fitted line after the warm-up, in MB per minute', () => {
  const samples = Array.from({ length: 120 }, (_, second) => ({
    at: second * 1000,
    // Steep at first, then half a megabyte a minute, with a saw on it.
    resident: (second < 20 ? second * 5e6 : 100e6 + (second / 60) * 0.5e6) + (second % 2) * 1e5,
    counted: 0,
    faults: 1,
  }));
  const { megabytesAMinute, samples: count } = slopeOf(samples, 20_000);
  expect(count).toBe(100);
  expect(megabytesAMinute).toBeCloseTo(0.5, 1);
  expect(slopeOf([], 0)).toEqual({ megabytesAMinute: 0, samples: 0 });
});

test('a kind of client that the machine cannot have is not missed', () => {
  const servedByKind = { ...passed.counts.servedByKind, proxied: 0 };
  const run = { ...passed, counts: { ...passed.counts, servedByKind } };
  expect(findFailures({ ...run, skippedKinds: ['proxied'] })).toEqual([]);
  expect(findFailures(run)).toEqual(['no request of kind proxied was served']);
});

test('what needs Redis is not missed on a machine without it', () => {
  const skippedKinds = redisKinds;
  const servedByKind = { ...passed.counts.servedByKind, redis: 0, 'redis-reconnecting': 0 };
  const lateness = passed.lateness.filter(({ way }) => way !== inRedis);
  const changes = { ...passed.changes, brokenSources: withoutKey(redisOutage) };
  const run = { ...passed, lateness, changes, counts: { ...passed.counts, servedByKind } };
  expect(findFailures({ ...run, skippedKinds })).toEqual([]);
  expect(findFailures(run)).toHaveLength(4);
});
