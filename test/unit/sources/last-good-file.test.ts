import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { LastGoodFile, type RememberedCrl, rememberedCrl } from '../../../src/sources/last-good-file.js';
import { parseCrlOutline } from '../../../src/x509/crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { temporaryDirectory } from '../../support/files.js';

const [root, other] = [ca('root'), ca('other')];
const minute = 60_000;

/** A CRL that was issued some minutes ago. */
function crl(number: number, options: CrlOptions = {}, by = root): RememberedCrl {
  const thisUpdate = new Date(Date.now() - (100 - number) * minute);
  return rememberedCrl(parseCrlOutline(by.crl({ number, thisUpdate, ...options }).der));
}

const place = (): string => path.join(temporaryDirectory(), 'last-good.crl');
const raw = (...crls: readonly RememberedCrl[]): Buffer[] => crls.map(({ outline }) => outline.raw);
const save = async (file: LastGoodFile, ...crls: readonly RememberedCrl[]): Promise<void> => {
  await file.save(raw(...crls), crls);
};
const content = async (file: string): Promise<Buffer[]> => raw(...(await new LastGoodFile(file).read()).crls);

describe('a file of last-good copies', () => {
  test('is empty while it is missing', async () => {
    expect(await new LastGoodFile(place()).read()).toEqual({ crls: [], confirmedAt: undefined });
  });

  test('holds what was saved, in DER, for its owner alone, and nothing stays beside it', async () => {
    const file = place();
    const saved = [crl(1), crl(2, {}, other)];
    await save(new LastGoodFile(file), ...saved);
    expect(readFileSync(file)).toEqual(Buffer.concat(raw(...saved)));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(file))).toEqual(['last-good.crl']);
    const { crls, confirmedAt } = await new LastGoodFile(file).read();
    expect(raw(...crls)).toEqual(raw(...saved));
    expect(confirmedAt).toEqual(statSync(file).mtime);
  });

  test('is replaced as a whole, and not written again for the same CRLs', async () => {
    const file = place();
    const [one, two] = [crl(1), crl(2)];
    const lastGood = new LastGoodFile(file);
    await save(lastGood, one);
    const { ino } = statSync(file);
    await save(lastGood, one);
    expect(statSync(file).ino).toBe(ino);
    await save(lastGood, two);
    expect(await content(file)).toEqual(raw(two));
  });

  test('may be a symbolic link, which stays one', async () => {
    const [link, file] = [place(), place()];
    writeFileSync(file, Buffer.concat(raw(crl(1))));
    symlinkSync(file, link);
    await save(new LastGoodFile(link), crl(2));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual(['last-good.crl']);
    expect(await content(file)).toHaveLength(1);
    expect(readFileSync(file)).toEqual(readFileSync(link));
  });

  test('may be a symbolic link to a file that does not exist yet, on a fresh volume', async () => {
    const [link, file] = [place(), place()];
    symlinkSync(path.relative(path.dirname(link), file), link);
    await save(new LastGoodFile(link), crl(1));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(await content(file)).toHaveLength(1);
  });

  test('keeps what another process has written, if that is newer or of another scope and current', async () => {
    const file = place();
    const [older, newer, ofOther] = [crl(1), crl(2), crl(3, {}, other)];
    const expired = crl(4, { nextUpdate: new Date(Date.now() - minute), delta: 1 });
    const ours = new LastGoodFile(file);
    await save(ours, older);
    writeFileSync(file, Buffer.concat(raw(newer, ofOther, expired)));
    const delta = crl(5, { delta: 1 }, other);
    await save(ours, older, delta);
    expect(await content(file)).toEqual(raw(newer, delta, ofOther));
  });

  test('keeps a newer CRL of another process, however often this one saves older ones', async () => {
    const file = place();
    const [lagging, leading] = [new LastGoodFile(file), new LastGoodFile(file)];
    const newest = crl(6);
    await save(lagging, crl(3));
    await save(leading, newest);
    for (const number of [4, 5]) {
      await save(lagging, crl(number));
      expect(await content(file)).toEqual(raw(newest));
    }
    const next = crl(7);
    await save(lagging, next);
    expect(await content(file)).toEqual(raw(next));
  });

  test('keeps a CRL that is not saved again, until it is replaced or expires', async () => {
    const file = place();
    const lastGood = new LastGoodFile(file);
    const nextUpdate = new Date(Date.now() + 5 * minute);
    const [ofRoot, ofOther] = [crl(1), crl(2, { nextUpdate }, other)];
    await save(lastGood, ofRoot, ofOther);
    await save(lastGood, ofRoot);
    const next = crl(3);
    await save(lastGood, next);
    expect(await content(file)).toEqual(raw(next, ofOther));
    const now = jest.spyOn(Date, 'now').mockReturnValue(nextUpdate.getTime());
    try {
      await save(lastGood, next, crl(4, { delta: 1 }));
    } finally {
      now.mockRestore();
    }
    expect(await content(file)).toHaveLength(2);
    expect(await content(file)).not.toContainEqual(ofOther.outline.raw);
    const replaced = crl(5, {}, other);
    await save(lastGood, next, replaced);
    expect(await content(file)).toContainEqual(replaced.outline.raw);
  });

  test('gives way to a newer CRL, also one of another process', async () => {
    const file = place();
    writeFileSync(file, Buffer.concat(raw(crl(1))));
    const newer = crl(2);
    await save(new LastGoodFile(file), newer);
    expect(await content(file)).toEqual(raw(newer));
  });

  test.each<[string, (file: string) => void]>([
    ['deleted', rmSync],
    ['emptied', truncateSync],
  ])('is written again after it was %s', async (_, disturb) => {
    const file = place();
    const one = crl(1);
    const lastGood = new LastGoodFile(file);
    await save(lastGood, one);
    disturb(file);
    await save(lastGood, one);
    expect(await content(file)).toEqual(raw(one));
  });

  test('says by its time when its CRLs were last confirmed, at most once a minute', async () => {
    const file = place();
    const one = crl(1);
    const lastGood = new LastGoodFile(file);
    await save(lastGood, one);
    const { mtimeMs } = statSync(file);
    await save(lastGood, one);
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
    const later = Date.now() + 2 * minute;
    const now = jest.spyOn(Date, 'now').mockReturnValue(later);
    try {
      await save(lastGood, one);
    } finally {
      now.mockRestore();
    }
    expect(Math.abs(statSync(file).mtimeMs - later)).toBeLessThan(1000);
    expect((await new LastGoodFile(file).read()).confirmedAt).toEqual(statSync(file).mtime);
  });

  test.each<[string, (good: Buffer) => Buffer]>([
    ['cut off', (good) => good.subarray(0, -1)],
    ['followed by garbage', (good) => Buffer.concat([good, Buffer.from('garbage')])],
    ['PEM', () => Buffer.from(root.crl().pem)],
    ['a length without end', () => Buffer.from('3085ffffffffff', 'hex')],
    ['a length without octets', () => Buffer.from('3080', 'hex')],
  ])('that is damaged (%s) is an error with a remedy, and is replaced', async (_, damage) => {
    const file = place();
    writeFileSync(file, damage(crl(1).outline.raw));
    const lastGood = new LastGoodFile(file);
    await expect(lastGood.read()).rejects.toMatchObject({
      code: 'ERR_MTLS_CRL_INVALID',
      source: file,
      remedy: expect.stringContaining('delete it'),
    });
    const two = crl(2);
    await save(lastGood, two);
    expect(await content(file)).toEqual(raw(two));
    writeFileSync(file, damage(crl(1).outline.raw));
    // Another process may have damaged it in between.
    await save(lastGood, two);
    expect(await content(file)).toEqual(raw(two));
  });

  test('that is a folder or larger than a gigabyte is not read', async () => {
    const folder = temporaryDirectory();
    await expect(new LastGoodFile(folder).read()).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringContaining('not a file'),
    });
    const file = place();
    writeFileSync(file, '');
    truncateSync(file, 1024 ** 3 + 1);
    await expect(new LastGoodFile(file).read()).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringContaining('larger than 1 GiB'),
    });
  });

  test('that cannot be replaced is an error, and leaves no temporary file', async () => {
    const folder = temporaryDirectory();
    const file = path.join(folder, 'last-good.crl');
    mkdirSync(path.join(file, 'inside'), { recursive: true });
    await expect(save(new LastGoodFile(file), crl(1))).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      remedy: expect.stringContaining('write access'),
    });
    expect(readdirSync(folder)).toEqual(['last-good.crl']);
    const missing = new LastGoodFile(path.join(folder, 'missing', 'last-good.crl'));
    await expect(save(missing, crl(1))).rejects.toMatchObject({ code: 'ERR_MTLS_SOURCE_UNREADABLE' });
  });
});

test('a CRL and its successors have one key; those of another CA, scope or kind have others', () => {
  const keys = [
    crl(1),
    crl(2),
    crl(3, { delta: 1 }),
    crl(4, { delta: 2 }),
    crl(5, {}, other),
    crl(6, { idp: { fullName: ['http://crl.test/1'] } }),
  ].map(({ key }) => key);
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).toBe(keys[3]);
  expect(new Set(keys).size).toBe(4);
});
