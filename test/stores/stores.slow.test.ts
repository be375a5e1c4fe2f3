import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { Client as PgClient, Pool } from 'pg';
import { connect } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';
import { afterEach, describe, expect } from '@jest/globals';
import { type CrlStore } from '../../src/sources/crl-store.js';
import { natsStore } from '../../src/sources/nats-store.js';
import { postgresStore } from '../../src/sources/postgres-store.js';
import { redisStore } from '../../src/sources/redis-store.js';
import { isStoreInstalled, RealStore, type StoreKind, storeIsMissing } from '../support/real-store.js';
import { testOn, testWith } from '../support/requirements.js';
import { pause, until } from '../support/server.js';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ignore = (): void => undefined;

/** Each client that a store takes, as its user connects it. */
const clients: Readonly<Record<string, { kind: StoreKind; open: (url: string) => Promise<CrlStore> }>> = {
  ioredis: {
    kind: 'redis',
    open: (url) => {
      const client = new Redis(url);
      client.on('error', ignore);
      closers.push(() => {
        client.disconnect();
      });
      return Promise.resolve(redisStore(client));
    },
  },
  redis: {
    kind: 'redis',
    open: async (url) => {
      const client = createClient({ url });
      client.on('error', ignore);
      await client.connect();
      closers.push(() => {
        client.destroy();
      });
      return redisStore(client);
    },
  },
  'pg.Pool': {
    kind: 'postgres',
    open: (url) => {
      const pool = new Pool({ connectionString: url });
      pool.on('error', ignore);
      closers.push(() => pool.end());
      return Promise.resolve(postgresStore(pool, { createTables: true }));
    },
  },
  'pg.Client': {
    kind: 'postgres',
    open: async (url) => {
      const client = new PgClient({ connectionString: url });
      client.on('error', ignore);
      await client.connect();
      closers.push(() => client.end());
      return postgresStore(client, { createTables: true });
    },
  },
  nats: {
    kind: 'nats',
    open: async (url) => {
      const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
      closers.push(() => connection.close());
      const kvm = new Kvm(connection);
      const reports = await kvm.create('short-reports', { ttl: 1000 });
      return natsStore(await kvm.create('express-mtls'), { reports });
    },
  },
};

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

/** Watches, and counts the notices. */
function watched(store: CrlStore): { notices: number } {
  const seen = { notices: 0 };
  const watch = store.watch(() => seen.notices++);
  closers.push(() => {
    watch[Symbol.dispose]();
  });
  return seen;
}

describe.each(Object.entries(clients))('%s', (name, { kind, open }) => {
  const test = testWith(isStoreInstalled(kind), storeIsMissing(kind));
  // A pg.Client does not reconnect.
  const testOutage = name === 'pg.Client' ? testOn(false, 'a pg.Client does not reconnect') : test;

  test('a store returns what was written, byte for byte, and its length and version beforehand', async () => {
    const store = await open((await RealStore.start(kind)).url());
    expect(await store.list(2, soon())).toEqual([]);
    expect(await store.read('a', 1000, soon())).toBeUndefined();
    const crl = Buffer.from(Array.from({ length: 256 }, (_value, index) => index));
    const version = await store.write('a', crl, undefined, soon());
    expect(await store.list(2, soon())).toEqual([{ key: 'a', version, bytes: 256 }]);
    expect(await store.read('a', 256, soon())).toEqual({ version, bytes: 256, crl });
  });

  test('a value that is longer than the reader accepts is not transferred', async () => {
    const store = await open((await RealStore.start(kind)).url());
    const version = await store.write('a', Buffer.alloc(500_000, 1), undefined, soon());
    expect(await store.read('a', 499_999, soon())).toEqual({ version, bytes: 500_000, crl: undefined });
  });

  test('more keys than the reader accepts are an error', async () => {
    const store = await open((await RealStore.start(kind)).url());
    for (const key of ['a', 'b', 'c']) await store.write(key, Buffer.from(key), undefined, soon());
    expect(await store.list(3, soon())).toHaveLength(3);
    await expect(store.list(2, soon())).rejects.toMatchObject({ code: 'ERR_MTLS_STORE_FAILED' });
  });

  test('of two writers that replace the same version, one succeeds', async () => {
    const store = await open((await RealStore.start(kind)).url());
    const contents = ['one', 'two', 'three', 'four'].map((text) => Buffer.from(text));
    const first = await Promise.all(contents.map((crl) => store.write('a', crl, undefined, soon())));
    expect(first.filter((version) => version !== undefined)).toHaveLength(1);
    const [before] = await store.list(1, soon());
    const others = contents.map((crl) => Buffer.concat([crl, crl]));
    const second = await Promise.all(others.map((crl) => store.write('a', crl, before?.version, soon())));
    const winner = second.findIndex((version) => version !== undefined);
    expect(second.filter((version) => version !== undefined)).toHaveLength(1);
    expect((await store.read('a', 100, soon()))?.crl).toEqual(others[winner]);
  });

  test('the version of a CRL cannot be foreseen from its content', async () => {
    const store = await open((await RealStore.start(kind)).url());
    const versions = new Set<string | undefined>();
    for (const key of ['a', 'b', 'c'])
      versions.add(await store.write(key, Buffer.from('one'), undefined, soon()));
    expect(versions.size).toBe(3);
    const [{ version } = { version: '' }] = await store.list(3, soon());
    expect(version.length).toBeLessThanOrEqual(64);
  });

  test('a watch is notified once it listens, and after each write, until it is disposed of', async () => {
    const store = await open((await RealStore.start(kind)).url());
    const watch = watched(store);
    await until(() => watch.notices >= 1, 'it listens');
    const before = watch.notices;
    const version = await store.write('a', Buffer.from('one'), undefined, soon());
    await until(() => watch.notices > before, 'the first write is noticed');
    const between = watch.notices;
    await store.write('a', Buffer.from('two'), version, soon());
    await until(() => watch.notices > between, 'the second write is noticed');
  });

  test('the reports of processes end by themselves', async () => {
    const store = await open((await RealStore.start(kind)).url());
    await store.report('one', 'first', 60_000, soon());
    await store.report('one', 'second', 800, soon());
    expect(await store.reports(10, soon())).toEqual(['second']);
    await until(async () => (await store.reports(10, soon())).length === 0, 'the report has ended');
    await store.report('two', 'third', 800, soon());
    expect(await store.reports(10, soon())).toEqual(['third']);
  });

  testOutage('a watch and the commands work again after the store was killed', async () => {
    const real = await RealStore.start(kind);
    const store = await open(real.url());
    const watch = watched(store);
    await until(() => watch.notices >= 1, 'it listens');
    await store.write('a', Buffer.from('one'), undefined, soon());
    await real.kill();
    await expect(store.list(10, AbortSignal.timeout(500))).rejects.toMatchObject({
      code: 'ERR_MTLS_STORE_FAILED',
    });
    await real.restart();
    const works = async (): Promise<boolean> => {
      try {
        return (await store.list(10, AbortSignal.timeout(1000))).length === 1;
      } catch {
        return false;
      }
    };
    await until(works, 'the commands work');
    const [{ version } = { version: '' }] = await store.list(10, soon());
    await pause(50);
    const before = watch.notices;
    await store.write('a', Buffer.from('two'), version, soon());
    await until(() => watch.notices > before, 'a write after the outage is noticed');
  });
});
