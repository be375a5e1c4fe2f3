import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Deadline } from '../../../src/gate/deadline.js';

const start = Date.parse('2025-01-01T00:00:00Z');
const day = 86_400_000;

/** A deadline on the faked clock, and when it called back, in milliseconds after the start. */
function deadline(): { deadline: Deadline; due: number[] } {
  const due: number[] = [];
  return { deadline: new Deadline(Date.now, () => due.push(Date.now() - start)), due };
}

beforeEach(() => {
  jest.useFakeTimers({ now: start });
});

afterEach(() => {
  jest.useRealTimers();
});

describe('a deadline', () => {
  test('calls back at its moment, once', () => {
    const { deadline: one, due } = deadline();
    one.add(start + 5000);
    jest.advanceTimersByTime(4999);
    expect(due).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(due).toEqual([5000]);
    jest.advanceTimersByTime(10 * day);
    expect(due).toEqual([5000]);
  });

  test.each([
    ['the earliest first', [5000, 7000, 9000]],
    ['the earliest last', [9000, 7000, 5000]],
  ])('calls back at the earliest of many: %s', (_order, moments) => {
    const { deadline: one, due } = deadline();
    for (const moment of moments) one.add(start + moment);
    jest.advanceTimersByTime(day);
    // The callback checks what is left, and adds it again.
    expect(due).toEqual([5000]);
  });

  test('takes a later moment after it called back', () => {
    const { deadline: one, due } = deadline();
    one.add(start + 5000);
    jest.advanceTimersByTime(5000);
    one.add(start + 9000);
    jest.advanceTimersByTime(4000);
    expect(due).toEqual([5000, 9000]);
  });

  test('may be added to by whom it calls', () => {
    const due: number[] = [];
    const one: Deadline = new Deadline(Date.now, () => {
      due.push(Date.now() - start);
      one.add(Date.now() + 1000);
    });
    one.add(start + 1000);
    jest.advanceTimersByTime(3000);
    expect(due).toEqual([1000, 2000, 3000]);
  });

  test('of the past calls back at once, but not before it returns', () => {
    const { deadline: one, due } = deadline();
    one.add(start - day);
    expect(due).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(due).toHaveLength(1);
  });

  // setTimeout takes 2^31 - 1 ms at the most, and fires at once for more.
  test('may be farther away than a timer can be', () => {
    const { deadline: one, due } = deadline();
    one.add(start + 30 * day);
    jest.advanceTimersByTime(30 * day - 1);
    expect(due).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(due).toEqual([30 * day]);
  });

  test('that never comes never calls back', () => {
    const { deadline: one, due } = deadline();
    one.add(Infinity);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(day);
    expect(due).toEqual([]);
  });

  test('waits longer when the clock is set back', () => {
    const { deadline: one, due } = deadline();
    one.add(start + 30_000);
    jest.advanceTimersByTime(20_000);
    jest.setSystemTime(start - day);
    jest.advanceTimersByTime(day - 1);
    expect(due).toEqual([]);
    jest.advanceTimersByTime(30_001);
    expect(due).toEqual([30_000]);
  });

  test('comes within a minute when the clock is set forward', () => {
    const { deadline: one, due } = deadline();
    one.add(start + day);
    jest.advanceTimersByTime(1000);
    jest.setSystemTime(start + 2 * day);
    jest.advanceTimersByTime(60_000);
    expect(due).toHaveLength(1);
  });

  test('that was closed does not call back, and may be used again', () => {
    const { deadline: one, due } = deadline();
    one.add(start + 5000);
    one.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(day);
    expect(due).toEqual([]);
    one.add(Date.now() + 5000);
    jest.advanceTimersByTime(5000);
    expect(due).toEqual([day + 5000]);
  });

  test('keeps no process alive', () => {
    jest.useRealTimers();
    const timer = jest.spyOn(globalThis, 'setTimeout');
    const one = new Deadline(Date.now, () => {});
    one.add(Date.now() + day);
    expect(timer.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false]);
    one.close();
    timer.mockRestore();
  });
});
