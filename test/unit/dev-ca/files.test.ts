import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createFile, readIfPresent, replaceFile } from '../../../src/dev-ca/files.js';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dev-ca-'));
  file = path.join(directory, 'file.pem');
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

test('an existing file is never overwritten', async () => {
  await createFile(file, 'first', 'secret');
  await expect(createFile(file, 'second', 'secret')).rejects.toMatchObject({
    code: 'ERR_MTLS_FILE_EXISTS',
    message: expect.stringMatching(
      /file\.pem already exists and is never overwritten; to replace it, remove it with "rm \S+file\.pem"/,
    ) as unknown,
  });
  expect(await readFile(file, 'utf8')).toBe('first');
});

test('a reader never sees a partially replaced file', async () => {
  const texts = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
  await replaceFile(file, texts[0] ?? '');
  const replacing = new AbortController();
  const replacements = (async () => {
    for (let round = 0; round < 20; round += 1) await replaceFile(file, texts[round % 2] ?? '');
    replacing.abort();
  })();
  while (!replacing.signal.aborted) expect(texts.includes(await readFile(file, 'utf8'))).toBe(true);
  await replacements;
});

test('a replacement that fails leaves nothing behind', async () => {
  await mkdir(path.join(file, 'in-the-way'), { recursive: true });
  await expect(replaceFile(file, 'text')).rejects.toThrow();
  expect(await readdir(directory)).toEqual(['file.pem']);
});

test('a missing file is undefined, and an unreadable one is an error', async () => {
  expect(await readIfPresent(file)).toBeUndefined();
  await expect(readIfPresent(directory)).rejects.toMatchObject({ code: 'EISDIR' });
});
