/**
 * What the documents say about the conformance suite is what its last published run has found.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { adapters } from '../../conformance/adapters/index.js';
import { checks } from '../../conformance/checks/index.js';
import { formatPage } from '../../conformance/page.js';
import { formatReadmeTable } from '../../conformance/readme-table.js';
import type { Results } from '../../conformance/result.js';
import { readDocument } from '../support/markdown.js';

const results = JSON.parse(readDocument('docs/conformance.json')) as Results;

/** Prettier aligns tables, and writes emphasis and lists in its own way. */
function words(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim();
}

test('docs/conformance.md has the results of docs/conformance.json', () => {
  const page = readDocument('docs/conformance.md').split('<!-- figures: begin')[1] ?? '';
  expect(words(page)).toContain(words(formatPage(results)));
});

test('the table of the README has the results of docs/conformance.json', () => {
  expect(words(readDocument('README.md'))).toContain(words(formatReadmeTable(results)));
});

test('the published results are those of the suite: every check, and at least six servers of others', () => {
  const { servers } = results;
  for (const { name, results: all } of servers)
    expect([name, all.map(({ id }) => id)]).toEqual([name, checks.map(({ id }) => id)]);
  const foreign = servers.filter(({ name }) =>
    adapters.some((one) => one.name === name && one.ours !== true),
  );
  expect(foreign.length).toBeGreaterThanOrEqual(6);
  expect(
    adapters.filter(({ ours }) => ours).every(({ name }) => servers.some((one) => one.name === name)),
  ).toBe(true);
});

test.each(results.servers.map(({ name, results: all }) => [name, all] as const))(
  'each failure of %s says what was seen, and each n/a why',
  (_name, all) => {
    expect(all.filter(({ seen }) => seen === '')).toEqual([]);
  },
);
