import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { LastGoodFile, rememberedCrl } from '../../../src/sources/last-good-file.js';
import { parseCrlOutline } from '../../../src/x509/crl.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory } from '../../support/files.js';

test('a newer CRL of another process stays, however often this one saves older ones', async () => {
  const root = ca('ca');
  const path = join(temporaryDirectory(), 'last-good.crl');
  const [lagging, leading] = [new LastGoodFile(path), new LastGoodFile(path)];
  const numbered = (number: number): Buffer => root.crl({ number }).der;
  const save = async (file: LastGoodFile, der: Buffer): Promise<void> => {
    await file.save([der], [rememberedCrl(parseCrlOutline(der))]);
  };
  const newest = numbered(6);
  await save(lagging, numbered(3));
  await save(leading, newest);
  for (const number of [4, 5]) {
    await save(lagging, numbered(number));
    expect(readFileSync(path)).toEqual(newest);
  }
  const next = numbered(7);
  await save(lagging, next);
  expect(readFileSync(path)).toEqual(next);
});
