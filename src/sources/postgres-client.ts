/**
 * The `Pool` and the `Client` of the package `pg`, as connections that are lent.
 *
 * @module
 */
import { invalid } from '../option-checks.js';
import { Backoff } from './backoff.js';

/** What is used of a client of the package `pg`: `Client`, or what a `Pool` connects. */
export interface PostgresClient {
  /** Runs a statement. */
  readonly query: (text: string, values?: unknown[]) => Promise<PostgresResult>;
  /** Listens to events. */
  readonly on: (event: 'error' | 'end' | 'notification', listener: (...args: unknown[]) => void) => unknown;
  /** Stops listening. */
  readonly removeListener: (event: string, listener: (...args: unknown[]) => void) => unknown;
}

/** What is used of a result. */
export interface PostgresResult {
  /** The rows. */
  readonly rows: readonly unknown[];
}

/** What is used of a `Pool` of the package `pg`. */
export interface PostgresPool {
  /** How many connections are not in use. Only a pool has this. */
  readonly idleCount: number;
  /** Lends a connection. */
  readonly connect: () => Promise<PooledPostgresClient>;
}

/** A connection of a pool. */
export interface PooledPostgresClient extends PostgresClient {
  /** Gives it back, or closes it. */
  readonly release: (destroy?: boolean) => void;
}

/** A connection, and what gives it back. */
export interface Lent {
  readonly client: PostgresClient;
  readonly release: (destroy: boolean) => void;
}

/** Lends a connection. */
export type Connector = () => Promise<Lent>;

/**
 * Wraps a client.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 */
export function connectorOf(client: unknown): Connector {
  if (isPool(client))
    return async () => {
      const lent = await client.connect();
      return {
        client: lent,
        release: (destroy) => {
          lent.release(destroy);
        },
      };
    };
  if (isClient(client)) {
    const queued = inTurn(client);
    return () => Promise.resolve({ client: queued, release: ignore });
  }
  throw invalid('the client of postgresStore()', client, "a Pool or a Client of the package 'pg'");
}

const ignore = (): void => undefined;

/** A `Client` runs one query at a time. */
function inTurn(client: PostgresClient): PostgresClient {
  let last: Promise<unknown> = Promise.resolve();
  return {
    query: async (text, values) => {
      const query = last.then(() => client.query(text, values));
      last = query.catch(ignore);
      return await query;
    },
    on: (event, listener) => client.on(event, listener),
    removeListener: (event, listener) => client.removeListener(event, listener),
  };
}

function isPool(client: unknown): client is PostgresPool {
  return (
    typeof client === 'object' &&
    client !== null &&
    typeof (client as Partial<PostgresPool>).connect === 'function' &&
    typeof (client as Partial<PostgresPool>).idleCount === 'number'
  );
}

function isClient(client: unknown): client is PostgresClient {
  return (
    typeof client === 'object' &&
    client !== null &&
    typeof (client as Partial<PostgresClient>).query === 'function' &&
    typeof (client as Partial<PostgresClient>).removeListener === 'function'
  );
}

/** A connection that listens for notifications, renewed when it is lost. */
export class Listening {
  readonly #connect: Connector;
  readonly #channel: string;
  readonly #notify: () => void;
  readonly #backoff = new Backoff();
  #lent: Lent | undefined;
  #stopped = false;

  /** Listens at once. @param notify - Called for notifications, and when it listens (again). */
  constructor(connect: Connector, channel: string, notify: () => void) {
    this.#connect = connect;
    this.#channel = channel;
    this.#notify = notify;
    void this.#listen();
  }

  /** Stops, and closes the connection. */
  stop(): void {
    this.#stopped = true;
    this.#backoff.stop();
    this.#giveBack();
  }

  async #listen(): Promise<void> {
    try {
      const lent = await this.#connect();
      if (this.#stopped) {
        lent.release(false);
        return;
      }
      this.#lent = lent;
      lent.client.on('error', this.#lost);
      lent.client.on('end', this.#lost);
      lent.client.on('notification', this.#notify);
      await lent.client.query(`LISTEN ${this.#channel}`);
      this.#backoff.reset();
      // CRLs that were published before LISTEN were not announced to this connection.
      this.#notify();
    } catch {
      this.#lost();
    }
  }

  readonly #lost = (): void => {
    this.#giveBack();
    if (!this.#stopped) this.#backoff.schedule(() => void this.#listen());
  };

  #giveBack(): void {
    const lent = this.#lent;
    if (lent === undefined) return;
    this.#lent = undefined;
    lent.client.removeListener('end', this.#lost);
    lent.client.removeListener('notification', this.#notify);
    // Its listener of errors stays: a connection that is being closed can still fail.
    lent.release(true);
  }
}
