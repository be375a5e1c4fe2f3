import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type SourceLoader } from '../../../src/material/source-options.js';
import { lastGood, lastGoodWithin } from '../../../src/sources/last-good.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory } from '../../support/files.js';

const crl = ca('ca').crl().der;

/** Loads a CRL and puts it into force. */
async function putIntoForce(file: string, inForce: NonNullable<SourceLoader['inForce']>): Promise<void> {
  const loader = lastGood({ load: () => Promise.resolve([crl]), inForce }, file);
  await loader.load(new AbortController().signal);
  await loader.inForce?.([crl], []);
}

const isSavedIn = (file: string): boolean => existsSync(file) && readFileSync(file).equals(crl);

test('the copy is in the file before the source is told that its CRL is in force', async () => {
  const file = join(temporaryDirectory(), 'last-good.crl');
  const told: boolean[] = [];
  await putIntoForce(file, (given) => {
    expect(given).toEqual([crl]);
    told.push(isSavedIn(file));
  });
  expect(told).toEqual([true]);
});

test('a source that cannot report does not prevent the copy', async () => {
  const file = join(temporaryDirectory(), 'last-good.crl');
  const report = putIntoForce(file, () => Promise.reject(new Error('no store')));
  await expect(report).rejects.toThrow('no store');
  expect(isSavedIn(file)).toBe(true);
});

test('a copy that cannot be written does not prevent the report', async () => {
  const file = join(temporaryDirectory(), 'missing', 'last-good.crl');
  let told = 0;
  const report = putIntoForce(file, () => {
    told++;
  });
  await expect(report).rejects.toThrow('cannot be written');
  expect(told).toBe(1);
});

test('a source that never answers does not prevent a start with the copy', async () => {
  const file = join(temporaryDirectory(), 'last-good.crl');
  writeFileSync(file, crl);
  const source: SourceLoader = { load: () => new Promise(() => undefined) };
  const loader = lastGoodWithin(20, source, file);
  await expect(loader.load(new AbortController().signal)).resolves.toEqual([crl]);
  expect(loader.faults?.()).toMatchObject([{ message: expect.stringContaining('no answer within') }]);
});
