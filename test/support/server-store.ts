/**
 * A store as a server connects to it: with a client that reconnects.
 *
 * @module
 */
import { connect } from '@nats-io/transport-node';
import { type KV, Kvm } from '@nats-io/kv';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { type CrlStore } from '../../src/sources/crl-store.js';
import { natsStore } from '../../src/sources/nats-store.js';
import { postgresStore } from '../../src/sources/postgres-store.js';
import { redisStore } from '../../src/sources/redis-store.js';

const ignore = (): void => undefined;

/** Opens the store of a URL. The process ends without closing it. */
export function openServerStore(url: string): CrlStore {
  if (url.startsWith('redis:')) {
    const client = new Redis(url);
    client.on('error', ignore);
    return redisStore(client);
  }
  if (url.startsWith('postgres:')) {
    const pool = new Pool({ connectionString: url });
    pool.on('error', ignore);
    return postgresStore(pool, { createTables: true });
  }
  const options = {
    servers: url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    // The process may start while NATS is down.
    waitOnFirstConnect: true,
    // A dead connection is noticed after three of these.
    pingInterval: 1000,
    // An attempt to connect that gets no answer is repeated after this time.
    timeout: 2000,
  };
  const opening = connect(options).then((connection) => new Kvm(connection));
  const reports = async (): Promise<KV> =>
    await (await opening).create('express-mtls-reports', { ttl: 30_000 });
  return natsStore(async () => await (await opening).create('express-mtls'), { reports });
}
