import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { readDocument } from '../support/markdown.js';
import { run } from '../support/program.js';

const demo = 'examples/demo/demo.ts';

function foldersLeftIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('express-mtls-demo-'));
}

/** The lines of a run, without what differs from run to run, and without empty ones. */
function comparable(output: string): string[] {
  return output
    .replaceAll(/in \S+express-mtls-demo-\w+/g, 'in FOLDER')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/serial [0-9a-f]+/g, 'serial NUMBER')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/[\d.]+ ms/g, 'N ms')
    .split('\n')
    .filter((line) => line !== '');
}

/** The text in a drawing, line by line. */
function textOf(svg: string): string {
  const lines = [...svg.matchAll(/<text class="line"[^>]*>(.*?)<\/text>/g)].map(([, text = '']) => text);
  return lines
    .join('\n')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

test('the demo shows a revocation from end to end, as docs/demo.svg shows it, and clears up', async () => {
  const TMPDIR = temporaryDirectory();
  const { output, exitCode } = await run(demo, { env: { TMPDIR, FORCE_COLOR: '' } });
  expect(output).toMatch(/\ndemo: ok\n$/);
  expect(exitCode).toBe(0);
  expect(output).not.toContain('\x1b');
  // If they differ: npm run record.
  expect(comparable(textOf(readDocument('docs/demo.svg')))).toEqual(comparable(output));
  const story = [
    'no certificate: refused',
    'client1: 200 hello client1, on a new connection',
    'client2: 200 hello client2, on the same connection',
    'the reload: changed true, added 1, removed 0, evicted 1',
    "client2's connection: closed",
    'refused: revoked, CN=client2, serial ',
    'client1: 200 hello client1, on the same connection',
  ];
  let place = 0;
  for (const line of story) {
    expect(output.slice(place)).toContain(line);
    place = output.indexOf(line, place) + line.length;
  }
  expect(foldersLeftIn(TMPDIR)).toEqual([]);
});

test('a step that differs says what was expected and what was seen, and the demo fails', async () => {
  const TMPDIR = temporaryDirectory();
  // Every call goes to a page that is not there.
  const before = `import https from 'node:https';
    const { get } = https;
    https.get = (url, options) => get(url + 'nowhere', options);`;
  const { output, exitCode } = await run(demo, { env: { TMPDIR, FORCE_COLOR: '' }, before });
  expect(output).toMatch(/✗ client1\n +expected: 200 hello client1, on a new connection\n +seen: +404 /);
  expect(output).not.toContain('demo: ok');
  expect(exitCode).toBe(1);
  expect(foldersLeftIn(TMPDIR)).toEqual([]);
});
