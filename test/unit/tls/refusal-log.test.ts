import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RefusalLog, type Suppressed } from '../../../src/tls/refusal-log.js';

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

/** How many of so many refusals are written. */
function written(count: number, address = '192.0.2.1'): number {
  return Array.from({ length: count }, () => log.mayWrite(address, 'revoked')).filter(Boolean).length;
}

test('the first ten of an address within a minute are written, and the others are counted', () => {
  expect(written(10)).toBe(10);
  expect(written(5)).toBe(0);
  expect(log.mayWrite('192.0.2.1', 'expired')).toBe(false);
  expect(told).toEqual([]);
  jest.advanceTimersByTime(59_999);
  expect(told).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(told).toEqual([{ remoteAddress: '192.0.2.1', count: 6, reasons: { revoked: 5, expired: 1 } }]);
});

test('another address has lines of its own', () => {
  expect(written(20)).toBe(10);
  expect(written(20, '192.0.2.2')).toBe(10);
});

describe('a minute later', () => {
  test('lines are to be had again, and what was not written is told first', () => {
    expect(written(12)).toBe(10);
    now += 60_000;
    expect(log.mayWrite('192.0.2.1', 'revoked')).toBe(true);
    expect(told).toEqual([{ remoteAddress: '192.0.2.1', count: 2, reasons: { revoked: 2 } }]);
    jest.advanceTimersByTime(120_000);
    expect(told).toHaveLength(1);
  });

  test('nothing is told where nothing was left out', () => {
    expect(written(10)).toBe(10);
    now += 60_000;
    expect(written(1)).toBe(1);
    jest.advanceTimersByTime(120_000);
    expect(told).toEqual([]);
  });

  test('a millisecond sooner there are none', () => {
    expect(written(10)).toBe(10);
    now += 59_999;
    expect(written(1)).toBe(0);
  });

  test('a clock that was put back begins a new minute', () => {
    expect(written(10)).toBe(10);
    now -= 3_600_000;
    expect(written(1)).toBe(1);
  });
});

test('more than a thousand addresses share one account', () => {
  for (let index = 0; index < 1000; index++) expect(written(1, `address ${index}`)).toBe(1);
  expect(written(6, 'one more')).toBe(6);
  expect(written(6, 'and another')).toBe(4);
  expect(written(1, 'address 999')).toBe(1);
  log.flush();
  expect(told).toEqual([{ remoteAddress: 'other addresses', count: 2, reasons: { revoked: 2 } }]);
});

test('what was not written is told when the log is ended, once', () => {
  expect(written(11)).toBe(10);
  log.flush();
  log.flush();
  expect(told).toHaveLength(1);
  expect(jest.getTimerCount()).toBe(0);
});
