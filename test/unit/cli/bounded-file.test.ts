/**
 * Files that a command is told to read: up to a size, and devices too.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { readBounded } from '../../../src/cli/bounded-file.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';

function fileOf(bytes: number): string {
  const file = path.join(temporaryDirectory(), 'file');
  writeFileSync(file, 'a'.repeat(bytes));
  return file;
}

test('a file is read up to the limit', async () => {
  await expect(readBounded(fileOf(100), 100)).resolves.toHaveLength(100);
});

test('one byte more is refused, and the limit said', async () => {
  await expect(readBounded(fileOf(101), 100)).rejects.toMatchObject({
    code: 'ERR_MTLS_OPTION_INVALID',
    message: expect.stringMatching(/file holds more than 100 bytes/),
  });
});

test.each([
  ['nothing in it', '/dev/null', ''],
  ['an end', '/proc/self/comm', undefined],
])('a device or a file of the system with %s is read', async (_what, file, expected) => {
  const bytes = await readBounded(file, 1000);
  if (expected === undefined) expect(bytes.length).toBeGreaterThan(0);
  else expect(bytes.toString()).toBe(expected);
});

test('a device without an end is left at the limit', async () => {
  await expect(readBounded('/dev/zero', 100_000)).rejects.toThrow(/holds more than 100,000 bytes/);
});

test('a request without an end is no request', async () => {
  const directory = temporaryDirectory();
  await runCommand(['init', directory]);
  const { code, err } = await runCommand([
    'issue',
    'client',
    'bob',
    '--csr',
    '/dev/zero',
    '--dir',
    directory,
  ]);
  expect(code).toBe(3);
  expect(err).toMatch(/^ERR_MTLS_OPTION_INVALID: \/dev\/zero holds more than 1,048,576 bytes/);
});
