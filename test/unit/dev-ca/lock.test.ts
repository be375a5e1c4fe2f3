/**
 * Processes that write to one folder.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { removeStale, withLock } from '../../../src/dev-ca/lock.js';
import { temporaryDirectory } from '../../support/files.js';

let directory: string;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = path.join(directory, 'ca-lock.txt');
});

/** The id of a process that has ended. */
function pidOfTheDead(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

test('the lock names its process, and is gone after the work, also where that fails', async () => {
  await withLock(directory, async () => {
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid} ${os.hostname()}\n`);
    await Promise.resolve();
  });
  expect(existsSync(file)).toBe(false);
  await expect(withLock(directory, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(existsSync(file)).toBe(false);
});

test('a process that is still there is waited for, then named', async () => {
  writeFileSync(file, `${process.ppid} ${os.hostname()}\n`);
  const work = withLock(directory, () => Promise.resolve('done'), 200);
  await expect(work).rejects.toMatchObject({
    code: 'ERR_MTLS_OPTION_INVALID',
    message: `${file} says that process ${process.ppid} on ${os.hostname()} is writing to this folder; wait for it, or remove the file if there is no such process`,
  });
  expect(existsSync(file)).toBe(true);
});

test('the lock of a process that is gone is taken over', async () => {
  writeFileSync(file, `${pidOfTheDead()} ${os.hostname()}\n`);
  await expect(withLock(directory, () => Promise.resolve('done'), 5000)).resolves.toBe('done');
  expect(existsSync(file)).toBe(false);
  expect(existsSync(`${file}.takeover`)).toBe(false);
});

test.each([
  ['another machine, whose processes cannot be seen', () => `${pidOfTheDead()} elsewhere\n`, 'on elsewhere'],
  ['a process that has not written its name yet', () => '', 'another process'],
])('the lock of %s is not', async (_, content, who) => {
  writeFileSync(file, content());
  await expect(withLock(directory, () => Promise.resolve(), 200)).rejects.toThrow(who);
});

test("a lock that was stale, and is somebody else's by now, is left to them", async () => {
  writeFileSync(file, `${process.ppid} ${os.hostname()}\n`);
  await removeStale(file);
  expect(existsSync(file)).toBe(true);
});

test('of many that find a stale lock, one is at work at a time', async () => {
  writeFileSync(file, `${pidOfTheDead()} ${os.hostname()}\n`);
  let atWork = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++atWork);
    await new Promise((resolve) => setTimeout(resolve, 5));
    atWork--;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(directory, work)));
  expect(most).toBe(1);
});

test('two that open one folder at once lose nothing of each other', async () => {
  const [one, two] = await Promise.all([openDevCa(directory), openDevCa(directory)]);
  expect([one.outcome, two.outcome].sort()).toStrictEqual(['kept', 'made']);
  await Promise.all([
    ...['a', 'b', 'c'].map((name) => one.issueClient(name)),
    ...['d', 'e', 'f'].map((name) => two.issueClient(name)),
  ]);
  await Promise.all([one.revoke('a'), two.revoke('d'), one.revoke('b'), two.revoke('e')]);
  const certificates = await one.list();
  expect(certificates).toHaveLength(6);
  expect(certificates.flatMap(({ name, revokedAt }) => (revokedAt ? [name] : [])).sort()).toStrictEqual([
    'a',
    'b',
    'd',
    'e',
  ]);
  expect(readFileSync(path.join(directory, 'ca-crlnumber.txt'), 'utf8')).toBe('06\n');
});

test('revocations from several shells are all in the list', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const ca = await openDevCa(directory);
  for (const name of names) await ca.issueClient(name);
  const program = path.resolve('test/support/command-program.ts');
  const tsx = path.resolve('node_modules/tsx/dist/cli.mjs');
  const codes = await Promise.all(
    names.map(async (name) => {
      const shell = spawn(process.execPath, [tsx, program, 'revoke', name, '--dir', directory]);
      const [code] = (await once(shell, 'exit')) as [number];
      return code;
    }),
  );
  expect(codes).toStrictEqual([0, 0, 0, 0]);
  expect((await ca.list()).filter(({ revokedAt }) => revokedAt === undefined)).toStrictEqual([]);
  expect(readFileSync(path.join(directory, 'ca-crlnumber.txt'), 'utf8')).toBe('06\n');
}, 60_000);
