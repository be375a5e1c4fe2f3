/**
 * The test of the page about testing, as it says it for each test runner.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { readDocument } from '../support/markdown.js';
import { codeBlocksOf } from './page.js';
import type { Project } from './project.js';

/** The packages that they need. vitest 4 is the last one for Node 20. */
export const runnerVersions = { jest: '30.5.2', supertest: '7.3.2', vitest: '4.1.12' };

const page = 'docs/testing.md';

/** The rows of the table: what a line is for each runner. */
const rows = [...readDocument(page).matchAll(/^\| `(.*?)` +\| `(.*?)` +\| `(.*?)` +\|$/gm)].map(
  ([, ...cells]) => cells as [nodeTest: string, vitest: string, jest: string],
);

interface Runner {
  readonly name: string;
  /** Its column in the table. */
  readonly column: 0 | 1 | 2;
  readonly options: readonly string[];
  /** What it prints of two tests that passed. */
  readonly report: RegExp;
}

/** Both end a test after five seconds, which a busy machine may need. */
const patience = ['--testTimeout=120000'];

const runners: readonly Runner[] = [
  { name: 'node:test', column: 0, options: [], report: /^# pass 2$/m },
  { name: 'vitest', column: 1, options: [...patience, '--reporter=json'], report: /"numPassedTests":2,/ },
  {
    name: 'jest',
    column: 2,
    options: [...patience, '--testMatch=**/*.test.mjs', '--json'],
    report: /"numPassedTests":2,/,
  },
];

/** Defines the tests. */
export function testRunners(projectOf: () => Project): void {
  test.each(runners)('the tests of the page pass with $name', ({ name, column, options, report }) => {
    const project = projectOf();
    const folder = name.replace(':', '-');
    // jest takes the files below the next package.json.
    project.write(`${folder}/package.json`, '{ "private": true, "type": "module" }\n');
    for (const { file, code } of codeBlocksOf(page))
      project.write(`${folder}/${file}`, rows.slice(0, -1).reduce(replaceLine(column), code));
    const command = rows.at(-1)?.[column].replace('$ ', '') ?? '';
    // jest and vitest write their progress to the other stream, and fail with an exit code.
    expect(project.run('sh', '-c', `cd ${folder} && ${[command, ...options].join(' ')}`)).toMatch(report);
  });
}

/** Replaces the line of `node:test` by that of another runner; `…` stands for anything. */
function replaceLine(column: number): (code: string, row: readonly string[]) => string {
  return (code, row) => {
    const [pattern = '', replacement = ''] = [row[0], row[column]];
    if (column === 0) return code;
    const [begin = '', end = ''] = pattern.split('…');
    return code.replace(/^( *)(.*)$/gm, (line, indent: string, text: string) =>
      text.startsWith(begin.trim()) && text.endsWith(end.trim()) ? indent + replacement : line,
    );
  };
}
