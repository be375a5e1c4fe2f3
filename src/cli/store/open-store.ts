/**
 * Opens the store that a URL names, with the client that the user has installed.
 *
 * @module
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { MtlsError } from '../../errors.js';
import { type CrlStore, storeFailure } from '../../sources/crl-store.js';
import { type NatsBucket } from '../../sources/nats-bucket.js';
import { natsStore } from '../../sources/nats-store.js';
import { type PostgresPool } from '../../sources/postgres-client.js';
import { postgresStore } from '../../sources/postgres-store.js';
import { type IoRedisClient, type NodeRedisClient } from '../../sources/redis-client.js';
import { redisStore } from '../../sources/redis-store.js';
import manifestFile from '../manifest-file.cjs';

/** A store, and what closes its connection. */
export interface OpenedStore {
  readonly store: CrlStore;
  close(): Promise<void>;
}

const stores = 'redis://, rediss://, postgres://, nats:// or tls://';

type Opener = (url: URL) => Promise<OpenedStore>;

const openers: Readonly<Record<string, Opener>> = {
  'redis:': openRedis,
  'rediss:': openRedis,
  'postgres:': openPostgres,
  'postgresql:': openPostgres,
  'nats:': openNats,
  'tls:': openNats,
};

/**
 * Opens a store.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a URL of another kind or a client that is not installed,
 *   `ERR_MTLS_STORE_FAILED` if the connection fails. No error contains the URL, which may have a password.
 */
export async function openStore(text: string): Promise<OpenedStore> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const opener = url === undefined ? undefined : openers[url.protocol];
  if (url === undefined || opener === undefined)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: url === undefined ? 'the store is not a URL' : `the store has the scheme "${url.protocol}"`,
      expected: stores,
    });
  if (!text.includes('://'))
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the URL of the store has no "//"',
      expected: stores,
    });
  return await opener(url);
}

/** Removes our own parameter from a URL. */
function take(url: URL, name: string): string | undefined {
  const value = url.searchParams.get(name) ?? undefined;
  url.searchParams.delete(name);
  return value;
}

const ignore = (): void => undefined;
const connectMs = 10_000;

interface IoRedisModule {
  readonly Redis: new (url: string, options: object) => IoRedisClient & { connect(): Promise<void> };
}

interface NodeRedisModule {
  readonly createClient: (options: object) => NodeRedisClient;
}

async function openRedis(url: URL): Promise<OpenedStore> {
  const prefix = take(url, 'prefix');
  const options = prefix === undefined ? {} : { prefix };
  const client = await connectRedis(url.href);
  return {
    store: redisStore(client, options),
    close: () => {
      if ('disconnect' in client) client.disconnect();
      else client.destroy();
      return Promise.resolve();
    },
  };
}

async function connectRedis(url: string): Promise<IoRedisClient | NodeRedisClient> {
  const io = find('ioredis');
  if (io !== undefined) {
    const { Redis } = io as IoRedisModule;
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: connectMs,
      retryStrategy: () => null,
    });
    // connect() rejects with "Connection is closed."; the reason is in the first error event.
    let reason: unknown;
    client.on('error', (error) => {
      reason ??= error;
    });
    await attempt('redis', async () => {
      try {
        await client.connect();
      } catch (error) {
        throw (reason as Error | undefined) ?? error;
      }
    });
    return client;
  }
  const { createClient } = (find('redis') ?? missing('Redis', 'ioredis')) as NodeRedisModule;
  const client = createClient({ url, socket: { connectTimeout: connectMs, reconnectStrategy: false } });
  client.on('error', ignore);
  await attempt('redis', () => client.connect());
  return client;
}

interface PostgresModule {
  readonly Pool: new (
    options: object,
  ) => PostgresPool & { end(): Promise<void>; on(event: 'error', listener: () => void): unknown };
}

function openPostgres(url: URL): Promise<OpenedStore> {
  const table = take(url, 'table');
  const { Pool } = (find('pg') ?? missing('PostgreSQL', 'pg')) as PostgresModule;
  const pool = new Pool({ connectionString: url.href, connectionTimeoutMillis: connectMs, max: 2 });
  pool.on('error', ignore);
  const store = postgresStore(pool, { createTables: true, ...(table === undefined ? {} : { table }) });
  return Promise.resolve({ store, close: () => pool.end() });
}

interface NatsConnection {
  close(): Promise<void>;
}

interface NatsModule {
  readonly connect: (options: object) => Promise<NatsConnection>;
}

interface KvModule {
  readonly Kvm: new (connection: NatsConnection) => {
    create(name: string, options?: object): Promise<NatsBucket>;
  };
}

// Three times the default of pollMs.
const reportsMs = 30_000;

async function openNats(url: URL): Promise<OpenedStore> {
  const bucket = take(url, 'bucket') ?? 'express-mtls';
  const packages = '@nats-io/transport-node @nats-io/kv';
  const { connect } = (find('@nats-io/transport-node') ?? missing('NATS', packages)) as NatsModule;
  const { Kvm } = (find('@nats-io/kv') ?? missing('NATS', packages)) as KvModule;
  const connection = await attempt('nats', () =>
    connect({
      servers: `${url.protocol}//${url.host}`,
      timeout: connectMs,
      reconnect: false,
      ...(url.username === '' ? {} : credentialsOf(url)),
    }),
  );
  const kvm = new Kvm(connection);
  const store = await attempt('nats', async () =>
    natsStore(await kvm.create(bucket), {
      reports: await kvm.create(`${bucket}-reports`, { ttl: reportsMs }),
    }),
  );
  return { store, close: () => connection.close() };
}

function credentialsOf({ username, password }: URL): object {
  const name = decodeURIComponent(username);
  return password === '' ? { token: name } : { user: name, pass: decodeURIComponent(password) };
}

async function attempt<Result>(store: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw storeFailure(store, 'connecting', cause);
  }
}

/** A package: of the project in the current folder, or installed beside this one. */
function find(name: string): unknown {
  for (const from of [path.join(process.cwd(), 'package.json'), manifestFile]) {
    const require = createRequire(from);
    let file;
    try {
      file = require.resolve(name);
    } catch {
      continue;
    }
    return require(file);
  }
  return undefined;
}

function missing(store: string, packages: string): never {
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `the client for ${store} is not installed`,
    remedy: `install it with "npm install ${packages}", here or with express-mtls`,
  });
}
