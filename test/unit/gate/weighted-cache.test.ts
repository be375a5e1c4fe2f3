import { expect, test } from '@jest/globals';
import { WeightedCache } from '../../../src/gate/weighted-cache.js';

function cacheOf(keys: readonly string[], limits: { entries: number; bytes: number }) {
  const cache = new WeightedCache<string, object>(limits);
  const values = new Map(keys.map((key) => [key, {}]));
  for (const [key, value] of values) cache.put(key, value, 10);
  const kept = (): string[] => keys.filter((key) => cache.get(key) !== undefined);
  return { cache, values, kept };
}

test('the value that was put longest ago is dropped first', () => {
  const { kept } = cacheOf(['a', 'b', 'c'], { entries: 2, bytes: 1000 });
  expect(kept()).toStrictEqual(['b', 'c']);
});

test('a value that was asked for is spared once, and the next one is dropped in its place', () => {
  const { cache, kept } = cacheOf(['a', 'b', 'c'], { entries: 3, bytes: 1000 });
  cache.get('a');
  cache.put('d', {}, 10);
  cache.put('e', {}, 10);
  expect(kept()).toStrictEqual(['a']);
});

test('a value that was spared and not asked for again is dropped', () => {
  const { cache, kept } = cacheOf(['a', 'b'], { entries: 2, bytes: 1000 });
  cache.get('a');
  for (const key of ['c', 'd']) cache.put(key, {}, 10);
  expect(kept()).toStrictEqual([]);
});

test('where all were asked for, one is dropped all the same', () => {
  const { cache, kept } = cacheOf(['a', 'b', 'c'], { entries: 3, bytes: 1000 });
  expect(kept()).toStrictEqual(['a', 'b', 'c']);
  cache.put('d', {}, 10);
  expect(kept()).toStrictEqual(['b', 'c']);
  expect(cache.get('d')).toBeDefined();
});

test('a value that is put again is as one that was asked for', () => {
  const { cache, values, kept } = cacheOf(['a', 'b', 'c'], { entries: 3, bytes: 1000 });
  cache.put('a', values.get('a') as object, 10);
  cache.put('d', {}, 10);
  expect(kept()).toStrictEqual(['a', 'c']);
});

test('values that take too many bytes are dropped, and one that takes more than all may is not kept', () => {
  const { cache, kept } = cacheOf(['a', 'b', 'c'], { entries: 100, bytes: 25 });
  expect(kept()).toStrictEqual(['b', 'c']);
  cache.put('b', {}, 26);
  expect(kept()).toStrictEqual(['c']);
});

test('another value under the same key replaces the first, and its bytes are counted once', () => {
  const { cache, kept } = cacheOf(['a', 'b'], { entries: 100, bytes: 25 });
  cache.put('b', {}, 15);
  expect(kept()).toStrictEqual(['a', 'b']);
});
