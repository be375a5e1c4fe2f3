import { expect, test } from '@jest/globals';
import { prefersHtml } from '../../../src/status/accept.js';

test.each([
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['what names a page in capitals', 'TEXT/HTML', true],
  ['what likes both the same', 'application/json, text/html', true],
  ['what likes a page a little', 'text/html;q=0.1', true],
  ['what likes data more', 'text/html;q=0.5, application/json', false],
  ['what wants no page', 'text/html;q=0, */*', false],
  ['what weighs a page by no number', 'text/html;q=much', false],
  ['curl', '*/*', false],
  ['what wants any text', 'text/*', false],
  ['a program', 'application/json', false],
  ['what says nothing', undefined, false],
  ['what says the empty text', '', false],
])('%s (%j): whether a page is wanted is %s', (_who, accept, isPage) => {
  expect(prefersHtml(accept)).toBe(isPage);
});
