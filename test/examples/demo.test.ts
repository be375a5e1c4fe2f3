import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { run } from '../support/program.js';

const demo = 'examples/demo/demo.ts';

function foldersLeftIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('express-mtls-demo-'));
}

test('the demo shows a revocation from end to end, without colours where nobody looks, and clears up', async () => {
  const TMPDIR = temporaryDirectory();
  const { output, exitCode } = await run(demo, { env: { TMPDIR } });
  expect(output).toMatch(/\ndemo: ok\n$/);
  expect(exitCode).toBe(0);
  expect(output).not.toContain('\x1b');
  const story = [
    'nobody: refused',
    'client1: 200 hello client1, on a new connection',
    'client2: 200 hello client2, on the connection it had',
    'the reload: changed true, added 1, removed 0, evicted 1',
    "client2's connection: closed",
    'refused: revoked, CN=client2, serial ',
    'client1: 200 hello client1, on the connection it had',
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
  const { output, exitCode } = await run(demo, { env: { TMPDIR }, before });
  expect(output).toMatch(/✗ client1\n +expected: 200 hello client1, on a new connection\n +seen: +404 /);
  expect(output).not.toContain('demo: ok');
  expect(exitCode).toBe(1);
  expect(foldersLeftIn(TMPDIR)).toEqual([]);
});
