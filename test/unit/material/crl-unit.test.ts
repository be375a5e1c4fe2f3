import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CrlSourceState, KnownParts } from '../../../src/material/crl-parts.js';
import { CrlUnit } from '../../../src/material/crl-unit.js';
import { type CrlDiff } from '../../../src/revocation/crl-diff.js';
import { type RevocationChecker } from '../../../src/revocation/revocation-checker.js';
import { checkRevocationPolicy } from '../../../src/revocation/revocation-policy.js';
import { ca, largeCrl } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { storeOf } from '../../support/lists.js';

const root = ca('ca');
const large = largeCrl(root, { entries: 20_000 });
const directory = temporaryDirectory();
const { broken, longer } = writeMaterial(directory, { broken: 'garbled', longer: large.pem });

describe('a large CRL', () => {
  test.each([
    ['that is not at fault is not loaded again', [longer, broken], false],
    ['that is at fault is', [broken, longer], true],
  ])('%s', async (_what, crl, isOfItself) => {
    if (isOfItself) writeMaterial(directory, { longer: large.pem.replaceAll('A', 'B') });
    const store = storeOf(root);
    const { signal } = new AbortController();
    const unit = new CrlUnit({ crl, ca: [], prefix: '', policy: checkRevocationPolicy(), keepEntries: 0 });
    const context = { store, inForce: [], at: new Date(), signal };
    unit.read(context);
    await unit.aside;
    unit.change(store, undefined, new Date());
    unit.settle(store);
    expect(unit.faults).not.toEqual([]);
    unit.refresh();
    unit.read(context);
    expect(unit.aside !== undefined).toBe(isOfItself);
    await unit.aside;
  });
});

describe('while a CRL is rejected or waits', () => {
  const partner = ca('partner');
  const third = ca('third');
  const { signal } = new AbortController();

  class Files {
    readonly directory = temporaryDirectory();
    readonly #unit: CrlUnit;
    /** The CAs that verify the CRLs. */
    readonly #store = storeOf(root, partner, third);
    /** Those that are in force. */
    inForce = this.#store;
    #checker: RevocationChecker | undefined;

    constructor(...crl: string[]) {
      this.#unit = new CrlUnit({
        crl: crl.map((name) => join(this.directory, name)),
        ca: [],
        prefix: '',
        policy: checkRevocationPolicy(),
        keepEntries: 0,
      });
    }

    /** How many CRLs are in force. */
    get count(): number {
      return this.#checker?.crls.length ?? 0;
    }

    /** Reads, puts into force, and returns the codes of the faults, and whether a large CRL was read. */
    async read(): Promise<{ faults: string[]; isLargeRead: boolean }> {
      const unit = this.#unit;
      unit.read({ store: this.#store, inForce: this.#checker?.crls ?? [], at: new Date(), signal });
      const isLargeRead = unit.aside !== undefined;
      await unit.aside;
      ({ revocation: this.#checker } = unit.change(this.inForce, this.#checker, new Date()));
      unit.settle(this.inForce);
      return { faults: unit.faults.map(({ error }) => error.code), isLargeRead };
    }
  }

  test('the large CRL of another source is not read again', async () => {
    const files = new Files('large.pem', 'partner.pem');
    writeFileSync(join(files.directory, 'large.pem'), large.pem);
    writeFileSync(join(files.directory, 'partner.pem'), partner.crl({ number: 5 }).pem);
    expect(await files.read()).toEqual({ faults: [], isLargeRead: true });
    writeFileSync(join(files.directory, 'partner.pem'), partner.crl({ number: 4 }).pem);
    const rejected = { faults: ['ERR_MTLS_CRL_ROLLBACK'], isLargeRead: false };
    expect(await files.read()).toEqual(rejected);
    expect(await files.read()).toEqual(rejected);
  });

  test('one that waits for its CA is read again, and the large CRL of another source is not', async () => {
    const files = new Files('large.pem', 'partner.pem');
    writeFileSync(join(files.directory, 'large.pem'), large.pem);
    writeFileSync(join(files.directory, 'partner.pem'), partner.crl({ number: 1 }).pem);
    const both = files.inForce;
    files.inForce = storeOf(root);
    expect(await files.read()).toEqual({ faults: [], isLargeRead: true });
    expect(files.count).toBe(1);
    files.inForce = both;
    expect(await files.read()).toEqual({ faults: [], isLargeRead: false });
    expect(files.count).toBe(2);
  });

  test('it is read again itself, so that its fault stays', async () => {
    const files = new Files('large.pem');
    writeFileSync(join(files.directory, 'large.pem'), largeCrl(root, { entries: 20_000, number: 5 }).pem);
    await files.read();
    writeFileSync(join(files.directory, 'large.pem'), largeCrl(root, { entries: 20_000, number: 4 }).pem);
    const rejected = { faults: ['ERR_MTLS_CRL_ROLLBACK'], isLargeRead: true };
    expect(await files.read()).toEqual(rejected);
    expect(await files.read()).toEqual(rejected);
  });

  test('all sources are read again if it was removed, because any of them may replace it', async () => {
    const files = new Files('large.pem', 'small');
    mkdirSync(join(files.directory, 'small'));
    writeFileSync(join(files.directory, 'large.pem'), large.pem);
    writeFileSync(join(files.directory, 'small', 'partner.pem'), partner.crl({ number: 1 }).pem);
    writeFileSync(join(files.directory, 'small', 'third.pem'), third.crl({ number: 1 }).pem);
    expect(await files.read()).toEqual({ faults: [], isLargeRead: true });
    rmSync(join(files.directory, 'small', 'third.pem'));
    expect(await files.read()).toEqual({ faults: ['ERR_MTLS_CRL_ROLLBACK'], isLargeRead: false });
    expect(await files.read()).toEqual({ faults: ['ERR_MTLS_CRL_ROLLBACK'], isLargeRead: true });
  });
});

describe('a Buffer of a loader whose CRLs are in force', () => {
  const base = large.der;
  const deltaOf = (number: number, ...more: { serial: string }[]): Buffer =>
    root.crl({ number, delta: 1, revoked: more }).der;

  class World {
    answer: Buffer[];
    readonly #signal = new AbortController().signal;
    readonly unit: CrlUnit;
    checker: RevocationChecker | undefined;
    diff: CrlDiff | undefined;
    store = storeOf(root);

    constructor(...answer: Buffer[]) {
      this.answer = answer;
      const crl = [{ load: () => Promise.resolve(this.answer) }];
      this.unit = new CrlUnit({ crl, ca: [], prefix: '', policy: checkRevocationPolicy(), keepEntries: 0 });
    }

    /** Calls the loader and reads. @returns whether a thread was needed */
    async read(): Promise<boolean> {
      const { unit } = this;
      const at = new Date();
      for (const loader of unit.loaders) loader.refresh(this.#signal);
      await unit.loaders[0]?.pending;
      const context = { store: this.store, inForce: this.checker?.crls ?? [], at, signal: this.#signal };
      unit.refresh();
      unit.read(context);
      const isAside = unit.aside !== undefined;
      await unit.aside;
      ({ revocation: this.checker, diff: this.diff } = unit.change(this.store, this.checker, at));
      unit.settle(this.store);
      return isAside;
    }

    get inForce(): unknown[] {
      return (this.checker?.crls ?? []).map(({ crl }) => [
        crl.deltaBase === undefined ? 'full' : 'delta',
        crl.number,
      ]);
    }

    isRevoked(serial: string): boolean {
      const content = Buffer.from(serial, 'hex');
      return this.checker?.crls.some(({ index }) => index.find(content) !== undefined) === true;
    }
  }

  test('is not read again: a delta beside it is read at once, without a thread', async () => {
    const world = new World(base);
    expect(await world.read()).toBe(true);
    const [full] = world.checker?.crls ?? [];
    world.answer = [base, deltaOf(2, { serial: '0a' })];
    expect(await world.read()).toBe(false);
    expect(world.inForce).toEqual([
      ['delta', 2n],
      ['full', 1n],
    ]);
    world.answer = [base, deltaOf(3, { serial: '0a' }, { serial: '0b' })];
    expect(await world.read()).toBe(false);
    expect(world.inForce).toEqual([
      ['delta', 3n],
      ['full', 1n],
    ]);
    expect(world.diff).toEqual({ added: 1, removed: 0 });
    expect(world.checker?.crls).toContain(full);
    expect(['0a', '0b', large.serialAt(5), '0c'].map((serial) => world.isRevoked(serial))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(world.unit.faults).toEqual([]);
  });

  test('is read again after a change of the CAs', async () => {
    const world = new World(base);
    await world.read();
    expect(await world.read()).toBe(false);
    world.store = storeOf(root, ca('other'));
    expect(await world.read()).toBe(true);
    expect(world.inForce).toEqual([['full', 1n]]);
  });

  test('stays if it is removed, and an older delta beside it is a rollback', async () => {
    const world = new World(base, deltaOf(3, { serial: '0a' }));
    await world.read();
    world.answer = [base, deltaOf(2)];
    await world.read();
    await world.read();
    expect(world.unit.faults).toMatchObject([{ error: { code: 'ERR_MTLS_CRL_ROLLBACK' } }]);
    expect(world.isRevoked('0a')).toBe(true);
    world.answer = [base];
    await world.read();
    expect(world.unit.faults).toMatchObject([{ error: { code: 'ERR_MTLS_CRL_ROLLBACK' } }]);
    expect(world.isRevoked('0a')).toBe(true);
    world.answer = [deltaOf(3, { serial: '0a' })];
    await world.read();
    expect(world.unit.faults[0]).toMatchObject({ error: { code: 'ERR_MTLS_CRL_ROLLBACK' } });
    expect(world.isRevoked(large.serialAt(5))).toBe(true);
    world.answer = [base, deltaOf(4, { serial: '0a' })];
    await world.read();
    expect(world.unit.faults).toEqual([]);
    expect(world.inForce).toHaveLength(2);
  });

  test('does not hide that the Buffer beside it was removed', async () => {
    const world = new World(base, deltaOf(3, { serial: '0a' }));
    await world.read();
    world.answer = [base];
    await world.read();
    expect(world.unit.faults).toMatchObject([{ error: { code: 'ERR_MTLS_CRL_ROLLBACK' } }]);
    expect(world.isRevoked('0a')).toBe(true);
  });

  test('is the only one that is not read again', () => {
    const known = new KnownParts();
    const input = { bytes: base, origin: 'options.crl.load()' };
    const state: CrlSourceState = {
      source: base,
      option: 'crl',
      loader: undefined,
      digests: new Set(['a']),
      faults: [],
      seen: '',
    };
    const isFresh = (...inForce: string[]): boolean =>
      known.freshOf(state, [{ state, input }], 'cas', new Set(inForce)).parts.length > 0;
    expect(isFresh('a')).toBe(true);
    known.note({ state, input }, { digests: ['a'], found: ['a'], faults: [] }, 'cas');
    expect([isFresh('a'), isFresh('b'), isFresh()]).toEqual([false, true, true]);
    known.note({ state, input }, { digests: ['a'], found: ['a', 'b'], faults: [] }, 'cas');
    expect(isFresh('a')).toBe(true);
  });

  test('keeps its CRLs while another Buffer is at fault, and the fault ends with that Buffer', async () => {
    const world = new World(base, Buffer.from('garbled'));
    await world.read();
    expect(world.unit.faults).toHaveLength(1);
    await world.read();
    expect(world.unit.faults).toHaveLength(1);
    world.answer = [base];
    await world.read();
    expect(world.unit.faults).toEqual([]);
    expect(world.inForce).toEqual([['full', 1n]]);
  });
});
