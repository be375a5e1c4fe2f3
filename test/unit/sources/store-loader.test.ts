import { afterEach, expect, test } from '@jest/globals';
import { type SourceLoader } from '../../../src/material/source-options.js';
import { crlFromStore } from '../../../src/sources/store-loader.js';
import { type StoreSourceOptions } from '../../../src/sources/store-source-options.js';
import { MemoryStore } from '../../support/memory-store.js';
import { pause, until } from '../../support/server.js';
import { takeWarnings } from '../../support/warnings.js';

const watches: Disposable[] = [];

afterEach(() => {
  for (const watch of watches.splice(0)) watch[Symbol.dispose]();
});

const { signal } = new AbortController();

function watch(loader: SourceLoader): { notices: number } {
  const seen = { notices: 0 };
  const watching = loader.watch?.(() => seen.notices++);
  if (watching !== undefined) watches.push(watching);
  return seen;
}

function storeOf(contents: Readonly<Record<string, string>>): MemoryStore {
  const store = new MemoryStore();
  for (const [key, text] of Object.entries(contents)) store.put(key, Buffer.from(text));
  return store;
}

const texts = (buffers: readonly Buffer[]): string[] => buffers.map(String);

function faultsOf(loader: SourceLoader): string {
  return (loader.faults?.() ?? []).map(({ message }) => message).join('\n');
}

test('what did not change is the same Buffer, and is not read again', async () => {
  const store = storeOf({ a: 'one', b: 'two' });
  const loader = crlFromStore(store);
  const first = await loader.load(signal);
  store.put('b', Buffer.from('three'));
  store.calls.splice(0);
  const second = await loader.load(signal);
  expect(texts(second)).toEqual(['one', 'three']);
  expect(second[0]).toBe(first[0]);
  expect(store.calls).toEqual(['list', 'read b']);
});

test('an empty store is an error, unless it may be empty', async () => {
  await expect(crlFromStore(new MemoryStore()).load(signal)).rejects.toMatchObject({
    code: 'ERR_MTLS_STORE_FAILED',
    seen: 'the store has no CRL',
  });
  const loader = crlFromStore(new MemoryStore(), { mayBeEmpty: true });
  expect(loader.mayBeEmpty).toBe(true);
  expect(await loader.load(signal)).toEqual([]);
});

test('a value of 2 GB is refused without being read, its last-good copy stays, and the others are read', async () => {
  const store = storeOf({ a: 'one', b: 'two' });
  const loader = crlFromStore(store);
  await loader.load(signal);
  await pause(20);
  store.crls.set('a', { version: 'huge', crl: Buffer.alloc(0), claimedBytes: 2 ** 31 });
  store.put('b', Buffer.from('three'));
  store.calls.splice(0);
  expect(texts(await loader.load(signal))).toEqual(['one', 'three']);
  expect(store.calls).toEqual(['list', 'read b']);
  expect(faultsOf(loader)).toMatch(/the CRL in the key "a" has 2,147,483,648 bytes; expected at most/);
  const [[a, b], since] = [await loader.load(signal), Date.now()];
  // The store confirms b, and has something else than a.
  expect(loader.confirmedAt?.(b as Buffer)?.getTime()).toBeGreaterThanOrEqual(since - 1000);
  expect(loader.confirmedAt?.(a as Buffer)?.getTime()).toBeLessThan(
    loader.confirmedAt?.(b as Buffer)?.getTime() ?? 0,
  );
  store.put('a', Buffer.from('four'));
  expect(texts(await loader.load(signal))).toEqual(['four', 'three']);
  expect(faultsOf(loader)).toBe('');
});

test('a CRL that is published between the listing and the reading is confirmed', async () => {
  const store = storeOf({ a: 'one' });
  const loader = crlFromStore(store);
  await loader.load(signal);
  store.put('a', Buffer.from('two'));
  const listed = await store.list(1);
  store.list = async () => {
    store.put('a', Buffer.from('six'));
    return await Promise.resolve(listed);
  };
  const [read] = await loader.load(signal);
  expect(String(read)).toBe('six');
  expect(loader.confirmedAt?.(read as Buffer)).toBeInstanceOf(Date);
});

test('what replaces a CRL in force is read first, however much else a hostile writer adds', async () => {
  const store = storeOf({ good: 'one' });
  const loader = crlFromStore(store, { maxBytes: 10 });
  void loader.inForce?.(await loader.load(signal), []);
  for (const key of ['x', 'y', 'z']) store.put(key, Buffer.from(key.repeat(4)));
  store.put('good', Buffer.from('longer'));
  expect(texts(await loader.load(signal))).toEqual(['longer', 'xxxx']);
  expect(faultsOf(loader)).toMatch(/"y".*\n.*"z"/);
});

test.each<[string, (store: MemoryStore) => void, RegExp]>([
  [
    'more keys than maxCrls',
    (store) => {
      for (const key of 'bcd') store.put(key, Buffer.from(key));
    },
    /more than 3/,
  ],
  [
    'a store that fails',
    (store) => (store.failure = new Error('no route to //user:secret@host')),
    /no route to \/\/host/,
  ],
  ['a store that does not answer', (store) => (store.failure = 'silence'), /no answer within 0.2 s/],
])('%s is an error, and works again afterwards', async (_, disturb, message) => {
  const store = storeOf({ a: 'one' });
  const loader = crlFromStore(store, { maxCrls: 3, timeoutMs: 200 });
  await loader.load(signal);
  disturb(store);
  await expect(loader.load(signal)).rejects.toThrow(message);
  store.failure = undefined;
  for (const key of 'bcd') store.crls.delete(key);
  expect(texts(await loader.load(signal))).toEqual(['one']);
});

test.each([
  ['a key that publishCrl() does not write', '../../x\u001b[2J', Buffer.from('one')],
  ['an empty value', 'empty', Buffer.alloc(0)],
])('%s is a fault, and is not read', async (_, key, crl) => {
  const store = storeOf({ a: 'one' });
  const loader = crlFromStore(store);
  store.put(key, crl);
  expect(texts(await loader.load(signal))).toEqual(['one']);
  expect(loader.faults?.()).toMatchObject([{ code: 'ERR_MTLS_STORE_FAILED' }]);
  expect(faultsOf(loader)).not.toContain('\u001b');
});

test('of 10,000 notices in a burst, a few are passed on, and then the store is not listened to', async () => {
  const store = storeOf({ a: 'one' });
  const loader = crlFromStore(store);
  await loader.load(signal);
  const seen = watch(loader);
  for (let count = 0; count < 10_000; count++) store.notify();
  expect(seen.notices).toBe(1);
  expect(store.listeners).toBe(0);
  await until(() => seen.notices >= 2, 'the store is read meanwhile');
});

test('a change that came without a notice, and an outage, renew the subscription', async () => {
  const store = storeOf({ a: 'one' });
  const loader = crlFromStore(store);
  await loader.load(signal);
  watch(loader);
  store.put('a', Buffer.from('two'));
  await loader.load(signal);
  expect([store.subscriptions, store.listeners]).toEqual([2, 1]);
  store.failure = new Error('down');
  await expect(loader.load(signal)).rejects.toThrow('down');
  store.failure = undefined;
  await loader.load(signal);
  expect([store.subscriptions, store.listeners]).toEqual([3, 1]);
  store.put('a', Buffer.from('three'));
  store.notify();
  await loader.load(signal);
  expect(store.subscriptions).toBe(3);
});

test('the store is polled without notices until the watch is disposed of', async () => {
  const loader = crlFromStore(storeOf({ a: 'one' }), { pollMs: 100 });
  const seen = watch(loader);
  await until(() => seen.notices >= 3, 'it was polled three times');
  for (const one of watches.splice(0)) one[Symbol.dispose]();
  const { notices } = seen;
  await pause(300);
  expect(seen.notices).toBe(notices);
});

test('what is in force is reported under the key and version of the store, and not at all with report: false', async () => {
  const reported = async (options: StoreSourceOptions): Promise<unknown[]> => {
    const store = storeOf({ a: 'one', b: 'two' });
    const loader = crlFromStore(store, options);
    watch(loader);
    const [first] = await loader.load(signal);
    void loader.inForce?.(first === undefined ? [] : [first], []);
    await pause(20);
    return [...store.kept.values()].map((text) => (JSON.parse(text) as { versions: object }).versions);
  };
  const version = storeOf({ a: 'one' }).crls.get('a')?.version;
  expect(await reported({})).toEqual([{ a: version }]);
  expect(await reported({ report: false })).toEqual([]);
});

test('a process that may not report is warned once, and one whose store was down for a moment is not', async () => {
  const store = storeOf({ a: 'one' });
  const loader = crlFromStore(store);
  watch(loader);
  const report = async (failure: Error | undefined): Promise<void> => {
    store.failure = failure;
    void loader.inForce?.([], []);
    await pause(20);
  };
  const refusal = new Error('NOPERM');
  for (const failure of [refusal, undefined, refusal, undefined]) await report(failure);
  // Two reports of before one outage.
  store.failure = refusal;
  for (let count = 0; count < 2; count++) void loader.inForce?.([], []);
  await pause(20);
  expect(takeWarnings()).toEqual([]);
  await report(refusal);
  expect(takeWarnings()).toEqual([expect.stringContaining('report: false')]);
});
