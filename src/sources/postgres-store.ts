/**
 * A store of CRLs in PostgreSQL.
 *
 * @module
 */
import { checkBoolean, checkEach, invalid } from '../option-checks.js';
import { count } from '../quantity.js';
import {
  checkKey,
  type CrlStore,
  longestReport,
  newVersion,
  storeFailure,
  type StoredCrl,
  type StoredVersion,
  unlessAborted,
} from './crl-store.js';
import {
  type Connector,
  connectorOf,
  type Lent,
  Listening,
  type PostgresClient,
  type PostgresPool,
} from './postgres-client.js';

/** The options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /**
   * The name of the table of CRLs. The reports of processes are in `NAME_report`, and `NAME` is the channel of the
   * notifications. Servers with different CAs use different tables.
   * @defaultValue `'express_mtls'`; 1 to 48 lower-case letters, digits and `_`, a letter first
   */
  readonly table?: string;
  /**
   * Whether missing tables are created. If one is missing, that needs the permission to create tables in the first
   * schema of the search path.
   * @defaultValue `false`
   */
  readonly createTables?: boolean;
}

/**
 * A store in PostgreSQL: a table of CRLs, a table of reports, and a channel of LISTEN and NOTIFY. Its tables:
 *
 * ```sql
 * CREATE TABLE express_mtls (key text PRIMARY KEY, version text NOT NULL, crl bytea NOT NULL);
 * CREATE UNLOGGED TABLE express_mtls_report (id text PRIMARY KEY, report text NOT NULL, ends timestamptz NOT NULL);
 * ```
 * @param client - A `Pool` or a connected `Client` of the package `pg`. A server needs a `Pool`, one of whose
 *   connections listens for notifications: a `Client` does not reconnect.
 * @param options - The names in the database, and whether tables are created.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { crlFromStore, postgresStore } from 'express-mtls/sources';
 *
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL });
 * pool.on('error', (error) => console.warn(error.message));
 * const crl = crlFromStore(postgresStore(pool, { createTables: true }));
 * ```
 */
export function postgresStore(
  client: PostgresClient | PostgresPool,
  options: PostgresStoreOptions = {},
): CrlStore {
  const { table, createTables } = checkEach(options, 'the options of postgresStore()', {
    table: () => checkTable(options.table),
    createTables: () => checkBoolean(options.createTables, 'createTables', false),
  });
  return new PostgresStore(connectorOf(client), table, createTables);
}

function checkTable(table: unknown = 'express_mtls'): string {
  if (typeof table === 'string' && /^[a-z][a-z0-9_]{0,47}$/.test(table)) return table;
  throw invalid('table', table, '1 to 48 lower-case letters, digits and "_", a letter first');
}

class PostgresStore implements CrlStore {
  readonly name = 'postgres';
  readonly #connect: Connector;
  readonly #table: string;
  #missing: boolean;

  constructor(connect: Connector, table: string, createTables: boolean) {
    this.#connect = connect;
    this.#table = table;
    this.#missing = createTables;
  }

  async list(most: number, signal: AbortSignal): Promise<readonly StoredVersion[]> {
    // A hostile writer can choose keys and versions of any length, so they are cut before they are sent.
    const rows = await this.#query(
      `SELECT left(key, 65) AS key, left(version, 65) AS version, octet_length(crl) AS bytes FROM ${this.#table} LIMIT $1`,
      [most + 1],
      signal,
    );
    if (rows.length > most)
      throw storeFailure(this.name, 'listing', `it has more than ${count(most, 'CRL')}`);
    return rows as readonly StoredVersion[];
  }

  async read(key: string, mostBytes: number, signal: AbortSignal): Promise<StoredCrl | undefined> {
    const [row] = await this.#query(
      `SELECT left(version, 65) AS version, octet_length(crl) AS bytes,
         CASE WHEN octet_length(crl) <= $2 THEN crl END AS crl FROM ${this.#table} WHERE key = $1`,
      [key, mostBytes],
      signal,
    );
    if (row === undefined) return undefined;
    const { version, bytes, crl } = row as Omit<StoredCrl, 'crl'> & { readonly crl: Buffer | null };
    return { version, bytes, crl: crl ?? undefined };
  }

  async write(
    key: string,
    crl: Buffer,
    replaces: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    checkKey(key);
    const version = newVersion();
    const write =
      replaces === undefined
        ? `INSERT INTO ${this.#table} (key, version, crl) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING RETURNING key`
        : `UPDATE ${this.#table} SET version = $2, crl = $3 WHERE key = $1 AND left(version, 65) = $4 RETURNING key`;
    // One statement is one transaction: the notification is sent when the CRL can be read, or not at all.
    const rows = await this.#query(
      `WITH written AS (${write}) SELECT pg_notify('${this.#table}', key) FROM written`,
      [key, version, crl, ...(replaces === undefined ? [] : [replaces])],
      signal,
    );
    return rows.length === 1 ? version : undefined;
  }

  watch(notify: () => void): Disposable {
    const listening = new Listening(this.#connect, this.#table, notify);
    return {
      [Symbol.dispose]: () => {
        listening.stop();
      },
    };
  }

  async report(id: string, report: string, keepMs: number, signal: AbortSignal): Promise<void> {
    const table = `${this.#table}_report`;
    await this.#query(
      `WITH ended AS (DELETE FROM ${table} WHERE ends < now() AND id <> $1)
       INSERT INTO ${table} (id, report, ends) VALUES ($1, $2, now() + $3 * interval '1 ms')
       ON CONFLICT (id) DO UPDATE SET report = excluded.report, ends = excluded.ends`,
      [id, report, keepMs],
      signal,
    );
  }

  async reports(most: number, signal: AbortSignal): Promise<readonly string[]> {
    const rows = await this.#query(
      `SELECT report FROM ${this.#table}_report WHERE ends >= now() AND length(report) <= $2 ORDER BY id LIMIT $1`,
      [most, longestReport],
      signal,
    );
    return (rows as readonly { readonly report: string }[]).map(({ report }) => report);
  }

  async #query(text: string, values: unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    try {
      return await this.#onConnection(async (client) => {
        if (this.#missing) await createTables(client, this.#table);
        this.#missing = false;
        return (await client.query(text, values)).rows;
      }, signal);
    } catch (cause) {
      throw storeFailure(this.name, 'the query', cause);
    }
  }

  async #onConnection<Result>(
    work: (client: PostgresClient) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const connecting = this.#connect();
    let lent: Lent;
    try {
      lent = await unlessAborted(connecting, signal);
    } catch (error) {
      // It may still connect.
      connecting.then(
        (late) => {
          late.release(false);
        },
        () => undefined,
      );
      throw error;
    }
    // Without a listener, a connection that fails between two queries would end the process.
    lent.client.on('error', ignore);
    try {
      return await unlessAborted(work(lent.client), signal);
    } finally {
      if (!signal.aborted) lent.client.removeListener('error', ignore);
      // Without an answer, the connection may be dead without either end knowing.
      lent.release(signal.aborted);
    }
  }
}

const ignore = (): void => undefined;

async function createTables(client: PostgresClient, table: string): Promise<void> {
  // A user without the permission to create tables can use those that exist.
  const { rows } = await client.query('SELECT 1 WHERE to_regclass($1) IS NULL OR to_regclass($2) IS NULL', [
    table,
    `${table}_report`,
  ]);
  if (rows.length === 0) return;
  // Two processes that create the same table at once would fail, so each waits for the other. Statements that are sent
  // together are one transaction, which ends with them even if one fails: after a BEGIN, it would stay open.
  await client.query(
    `SELECT pg_advisory_xact_lock(hashtext('${table}'));
     CREATE TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, version text NOT NULL, crl bytea NOT NULL);
     CREATE UNLOGGED TABLE IF NOT EXISTS ${table}_report (id text PRIMARY KEY, report text NOT NULL, ends timestamptz NOT NULL)`,
  );
}
