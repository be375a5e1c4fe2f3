import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RefusalLog, type Suppressed } from '../../../src/server/refusal-log.js';

let now = 0;
let told: Suppressed[] = [];
let log: RefusalLog;

beforeEach(() => {
  jest.useFakeTimers();
  now = 1_000_000;
  told = [];
  log = new RefusalLog(
    () => now,
    (suppressed) => told.push(suppressed),
  );
});

afterEach(() => {
  jest.useRealTimers();
});

/** How many of this many refusals are written. */
function written(count: number, address = '192.0.2.1'): number {
  return Array.from({ length: count }, () => log.mayWrite(address, 'revoked')).filter(Boolean).length;
}

test('the first ten of an address within a minute are written, and the others are counted', () => {
  expect(written(10)).toBe(10);
  expect(written(6)).toBe(0);
  expect(told).toEqual([]);
  jest.advanceTimersByTime(59_999);
  expect(told).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(told).toEqual([{ remoteAddress: '192.0.2.1', reason: 'revoked', count: 6 }]);
});

test('another reason has its own lines: clients without a certificate cannot hide a revoked one', () => {
  for (let index = 0; index < 20; index++) log.mayWrite('192.0.2.1', 'no-certificate');
  expect(written(1)).toBe(1);
});

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0:5::', '2001:db8:0:0::/64'],
  ['::1', '::2', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80::2', 'fe80:0:0:0::/64'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::', '1:2:3:4::/64'],
])('%s and %s are of one network, and share its lines', (first, second, network) => {
  expect(written(10, first)).toBe(10);
  expect(written(1, second)).toBe(0);
  log.flush();
  expect(told).toMatchObject([{ remoteAddress: network }]);
});

test('another IPv6 network has its own lines', () => {
  expect(written(20, '2001:db8:1:2::1')).toBe(10);
  expect(written(20, '2001:db8:1:3::1')).toBe(10);
});

test('another address has its own lines', () => {
  expect(written(20)).toBe(10);
  expect(written(20, '192.0.2.2')).toBe(10);
});

describe('a minute later', () => {
  test('lines are written again, after the count of unwritten ones', () => {
    expect(written(12)).toBe(10);
    now += 60_000;
    expect(log.mayWrite('192.0.2.1', 'revoked')).toBe(true);
    expect(told).toEqual([{ remoteAddress: '192.0.2.1', reason: 'revoked', count: 2 }]);
    jest.advanceTimersByTime(120_000);
    expect(told).toHaveLength(1);
  });

  test('there is no count if every line was written', () => {
    expect(written(10)).toBe(10);
    now += 60_000;
    expect(written(1)).toBe(1);
    jest.advanceTimersByTime(120_000);
    expect(told).toEqual([]);
  });

  test('a millisecond earlier no line is written', () => {
    expect(written(10)).toBe(10);
    now += 59_999;
    expect(written(1)).toBe(0);
  });

  test('a clock that was set back begins a new minute', () => {
    expect(written(10)).toBe(10);
    now -= 3_600_000;
    expect(written(1)).toBe(1);
  });
});

test('more than a hundred addresses share one account for each reason', () => {
  for (let index = 0; index < 100; index++) expect(written(1, `address ${index}`)).toBe(1);
  expect(written(6, 'one more')).toBe(6);
  expect(written(6, 'and another')).toBe(4);
  expect(written(1, 'address 99')).toBe(1);
  expect(log.mayWrite('one more', 'expired')).toBe(true);
  log.flush();
  expect(told).toEqual([{ remoteAddress: 'other addresses', reason: 'revoked', count: 2 }]);
});

test('unwritten lines are reported once when the log is closed', () => {
  expect(written(11)).toBe(10);
  log.flush();
  log.flush();
  expect(told).toHaveLength(1);
  expect(jest.getTimerCount()).toBe(0);
});
