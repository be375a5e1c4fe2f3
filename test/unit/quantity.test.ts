import { expect, test } from '@jest/globals';
import { count } from '../../src/quantity.js';

test.each<[number, string]>([
  [0, '0 entries'],
  [1, '1 entry'],
  [2, '2 entries'],
  [999, '999 entries'],
  [1000, '1,000 entries'],
  [1_234_567, '1,234,567 entries'],
])('%p is formatted as %s', (number, words) => {
  expect(count(number, 'entry', 'entries')).toBe(words);
});

test('the default plural is formed with an s', () => {
  expect(count(1, 'key')).toBe('1 key');
  expect(count(2, 'key')).toBe('2 keys');
});
