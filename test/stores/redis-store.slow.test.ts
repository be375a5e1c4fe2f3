import { Redis } from 'ioredis';
import { afterEach, expect } from '@jest/globals';
import { redisStore } from '../../src/sources/redis-store.js';
import { crlFromStore } from '../../src/sources/store-loader.js';
import { CutProxy } from '../support/cut-proxy.js';
import { isStoreInstalled, RealStore, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';
import { until } from '../support/server.js';

const test = testWith(isStoreInstalled('redis'), storeIsMissing('redis'));
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

function untilTheEnd(client: Redis): Redis {
  client.on('error', () => undefined);
  closers.push(() => {
    client.disconnect();
  });
  return client;
}

function watch(watchable: { watch?: (notify: () => void) => Disposable }): { notices: number } {
  const seen = { notices: 0 };
  const watching = watchable.watch?.(() => seen.notices++);
  closers.push(() => watching?.[Symbol.dispose]());
  return seen;
}

const { signal } = new AbortController();

test('a client that connects only when it is used receives notices', async () => {
  const real = await RealStore.start('redis');
  const seen = watch(redisStore(untilTheEnd(new Redis(real.url(), { lazyConnect: true }))));
  await until(() => seen.notices > 0, 'it listens');
});

test('the connection that replaces one without answers reads the same keys, and is kept after the first reading', async () => {
  const real = await RealStore.start('redis');
  const proxy = await CutProxy.to(real.port);
  const store = redisStore(untilTheEnd(new Redis(real.url(proxy.port), { keyPrefix: 'app:' })));
  await store.write('a', Buffer.from('one'), undefined, AbortSignal.timeout(10_000));
  const loader = crlFromStore(store, { pollMs: 3_600_000, timeoutMs: 1000 });
  watch(loader);
  const isRead = async (): Promise<boolean> =>
    await loader.load(signal).then(
      () => true,
      () => false,
    );
  expect(await isRead()).toBe(true);
  proxy.become('stalls');
  expect(await isRead()).toBe(false);
  // The client's own connection has lost bytes and stays silent.
  proxy.become('passes');
  await until(isRead, 'another connection answers', 30_000);
  for (let again = 0; again < 3; again++) expect(await isRead()).toBe(true);
});
