import { expect, test } from '@jest/globals';
import { Disk } from '../../../soak/chaos/disk.js';

function recorded(): { disk: Disk; told: number[]; tell: (at: number) => void; at: (ms: number) => Disk } {
  let now = 0;
  const disk = new Disk(() => now);
  const told: number[] = [];
  const at = (ms: number): Disk => {
    now = ms;
    return disk;
  };
  return { disk, told, tell: (time) => told.push(time), at };
}

test('a change takes effect when it is complete', () => {
  const { told, tell, at } = recorded();
  at(1000).whenItCounts(tell);
  expect(told).toEqual([1000]);
});

test('a change beside a broken CRL takes effect with the next valid one', () => {
  const { told, tell, at } = recorded();
  at(1000).break();
  at(1200).whenItCounts(tell);
  expect(told).toEqual([]);
  at(2000).restore();
  expect(told).toEqual([2000]);
});

test('a change that is overwritten before it had to be read takes effect later', () => {
  const { told, tell, at } = recorded();
  at(1000).whenItCounts(tell);
  at(1300).break();
  at(2000).restore();
  expect(told).toEqual([1000, Infinity, 2000]);
});

test('a change that had to be read before the next broken CRL stays effective', () => {
  const { told, tell, at } = recorded();
  at(1000).whenItCounts(tell);
  at(1900).break();
  at(3000).restore();
  expect(told).toEqual([1000]);
});
