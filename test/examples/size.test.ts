import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from '../support/program.js';

const programs = readdirSync(path.join(root, 'examples'), { recursive: true, encoding: 'utf8' }).filter(
  // The demos start programs and print tables.
  (file) =>
    file.endsWith('.ts') &&
    !file.startsWith('demo') &&
    !/^(?:fleet|together).(?:demo|redis-server)\.ts$/.test(file),
);

test('there are examples', () => {
  expect(programs.length).toBeGreaterThanOrEqual(6);
});

test.each(programs)('examples/%s is under 60 lines and uses the package by its name', (file) => {
  const source = readFileSync(path.join(root, 'examples', file), 'utf8');
  expect(source.trimEnd().split('\n').length).toBeLessThan(60);
  expect(source).not.toMatch(/from '.*src\//);
});
