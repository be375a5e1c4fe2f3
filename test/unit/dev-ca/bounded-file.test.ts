/**
 * Files that a command or the CA reads: regular ones, up to a size, and what a shell pipes in.
 *
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { readBounded } from '../../../src/dev-ca/bounded-file.js';
import { builtProgram } from '../../support/built-source.js';
import { temporaryDirectory } from '../../support/files.js';

function fileOf(bytes: number): string {
  const file = path.join(temporaryDirectory(), 'file');
  writeFileSync(file, 'a'.repeat(bytes));
  return file;
}

test('a file is read up to the limit', async () => {
  await expect(readBounded(fileOf(100), 100)).resolves.toHaveLength(100);
  await expect(readBounded(fileOf(0), 100)).resolves.toHaveLength(0);
});

test('one byte more is rejected, with the limit', async () => {
  await expect(readBounded(fileOf(101), 100)).rejects.toMatchObject({
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    message: expect.stringMatching(/file holds more than 100 bytes/),
  });
});

test('a system file of reported size 0 is read, up to the limit', async () => {
  expect((await readBounded('/proc/self/comm', 1000)).length).toBeGreaterThan(0);
  await expect(readBounded('/proc/self/status', 100)).rejects.toThrow(/holds more than 100 bytes/);
});

test('without a limit, a file that is too large for Node is rejected', async () => {
  const file = fileOf(1);
  truncateSync(file, 2 ** 31);
  await expect(readBounded(file)).rejects.toThrow(/file holds more than 2,147,483,647 bytes/);
});

test('a missing file or a folder is a system error', async () => {
  const directory = temporaryDirectory();
  await expect(readBounded(path.join(directory, 'missing'), 100)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(readBounded(directory, 100)).rejects.toMatchObject({ code: 'EISDIR' });
});

test.each([
  ['/dev/null', 'a character device'],
  ['/dev/zero', 'a character device'],
  ['/dev/tty', 'a character device'],
])('%s is not a file, and is not opened', async (file, kind) => {
  await expect(readBounded(file, 100_000)).rejects.toMatchObject({
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    message: `${file} is ${kind}; expected a regular file; save the content to a file, and use that file`,
  });
});

test('a FIFO is not a file, with or without a writer, and neither is a link to one', async () => {
  const directory = temporaryDirectory();
  const [fifo, link] = [path.join(directory, 'fifo'), path.join(directory, 'link')];
  execFileSync('mkfifo', [fifo]);
  symlinkSync(fifo, link);
  for (const file of [fifo, link])
    await expect(readBounded(file, 100)).rejects.toThrow(
      `${file} is a FIFO (a named pipe); expected a regular`,
    );
});

test('a socket is not a file', async () => {
  const file = path.join(temporaryDirectory(), 'socket');
  const server = createServer().listen(file);
  await once(server, 'listening');
  await expect(readBounded(file, 100)).rejects.toThrow(`${file} is a socket; expected a regular file`);
  server.close();
});

/** What a process makes of a file that its shell has opened. */
function readPiped(script: string): { out: string; err: string } {
  const module = path.join(path.dirname(builtProgram('command-program')), '../../src/dev-ca/bounded-file.js');
  const read = `require(${JSON.stringify(module)}).readBounded(process.argv[1], 100).then(String).then(console.log, (error) => console.error(error.message))`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], {
    encoding: 'utf8',
    env: { ...process.env, NODE: process.execPath, READ: read },
  });
  return { out: stdout.trim(), err: stderr.trim() };
}

test.each([
  ['a pipe to stdin', 'printf content | "$NODE" -e "$READ" /dev/stdin'],
  ['a file as stdin', 'cd "$(mktemp -d)" && printf content > f && "$NODE" -e "$READ" /dev/stdin < f'],
  ['a pipe of the shell', '"$NODE" -e "$READ" <(sleep 0.3; printf content)'],
])('%s is read to its end', (_what, script) => {
  expect(readPiped(script)).toStrictEqual({ out: 'content', err: '' });
});

test.each([
  [
    'gives nothing',
    'true | "$NODE" -e "$READ" /dev/stdin',
    '/dev/stdin is an empty pipe; expected the content of a file',
  ],
  ['has no end', 'yes | "$NODE" -e "$READ" /dev/stdin', '/dev/stdin holds more than 100 bytes'],
])('a pipe that %s is an error', (_what, script, message) => {
  expect(readPiped(script)).toMatchObject({ out: '', err: expect.stringContaining(message) });
});

test('a device as stdin is not a file', () => {
  const { err } = readPiped('"$NODE" -e "$READ" /dev/stdin < /dev/null');
  expect(err).toContain('/dev/stdin is a character device; expected a regular file');
});

test('a folder with the name of a system file is not mistaken for it', async () => {
  const directory = path.join(temporaryDirectory(), 'dev', 'fd');
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, '0'), 'content');
  await expect(readBounded(path.join(directory, '0'), 100)).resolves.toHaveLength(7);
});
