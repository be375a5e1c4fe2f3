import { Pool } from 'pg';
import { afterEach, expect } from '@jest/globals';
import { postgresStore } from '../../src/sources/postgres-store.js';
import { isStoreInstalled, RealStore, storeIsMissing } from '../support/real-store.js';
import { testWith } from '../support/requirements.js';

const test = testWith(isStoreInstalled('postgres'), storeIsMissing('postgres'));
const pools: Pool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.end();
});

function poolOf(real: RealStore, user: string): Pool {
  const pool = new Pool({ host: '127.0.0.1', port: Number(real.port), user, database: 'postgres', max: 1 });
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool;
}

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

test('a user who may not create tables uses those that exist, and gets usable connections back', async () => {
  const real = await RealStore.start('postgres');
  const owner = poolOf(real, 'postgres');
  await owner.query('CREATE ROLE reader LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC');
  const reader = poolOf(real, 'reader');
  const read = postgresStore(reader, { table: 'crls', createTables: true });
  await expect(read.list(1, soon())).rejects.toMatchObject({ code: 'ERR_MTLS_STORE_FAILED' });
  // The same connection: the pool has only one. In an aborted transaction, every statement fails.
  expect((await reader.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);

  const written = postgresStore(owner, { table: 'crls', createTables: true });
  const version = await written.write('a', Buffer.from('one'), undefined, soon());
  await owner.query('GRANT SELECT ON crls TO reader');
  expect(await read.list(1, soon())).toEqual([{ key: 'a', version, bytes: 3 }]);
});
