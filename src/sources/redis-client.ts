/**
 * The two Redis clients, `ioredis` and `redis`, as one connection.
 *
 * @module
 */
import { invalid } from '../option-checks.js';

/** What is used of a client of the package `ioredis`. */
export interface IoRedisClient {
  /** Sends a command whose reply has Buffers. */
  readonly callBuffer: (command: string, args: (string | Buffer | number)[]) => Promise<unknown>;
  /** Opens another connection with the same options. */
  readonly duplicate: (override?: object) => IoRedisClient;
  /** Subscribes to channels. */
  readonly subscribe: (...channels: string[]) => Promise<unknown>;
  /** Listens to events. */
  readonly on: (event: string, listener: (...args: unknown[]) => void) => unknown;
  /** Closes the connection. */
  readonly disconnect: () => void;
}

/** What is used of a client of the package `redis` (node-redis). */
export interface NodeRedisClient {
  /** Sends a command. */
  readonly sendCommand: (args: readonly (string | Buffer)[], options?: object) => Promise<unknown>;
  /** Makes another client with the same options. */
  readonly duplicate: () => NodeRedisClient;
  /** Connects. */
  readonly connect: () => Promise<unknown>;
  /** Subscribes to a channel. */
  readonly subscribe: (channel: string, listener: () => unknown) => Promise<unknown>;
  /** Listens to events. */
  readonly on: (event: string, listener: (...args: unknown[]) => void) => unknown;
  /** Closes the connection. */
  readonly destroy: () => void;
}

/** A client that {@link redisStore} takes. */
export type RedisClient = IoRedisClient | NodeRedisClient;

/** A connection to Redis. */
export interface RedisConnection {
  /** Runs a script. Texts in the result are Buffers. */
  run(script: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  /** A connection of our own to the same server. */
  duplicate(use: 'notices' | 'commands'): RedisConnection;
  /** Subscribes, again after each reconnection. `notify` is called for messages, and when subscribed. */
  subscribe(channel: string, notify: () => void): void;
  /** Closes the connection. Only for those that {@link RedisConnection.duplicate} made. */
  close(): void;
}

const ignore = (): void => undefined;

/**
 * Wraps a client.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 */
export function connectionOf(client: unknown): RedisConnection {
  if (hasMethods<IoRedisClient>(client, ['callBuffer', 'duplicate', 'subscribe'])) return ofIoRedis(client);
  if (hasMethods<NodeRedisClient>(client, ['sendCommand', 'duplicate', 'subscribe', 'connect']))
    return ofNodeRedis(client);
  throw invalid('the client of redisStore()', client, "a client of the package 'ioredis' or 'redis'");
}

function hasMethods<Client>(client: unknown, names: readonly (keyof Client & string)[]): client is Client {
  if (typeof client !== 'object' || client === null) return false;
  return names.every((name) => typeof (client as Record<string, unknown>)[name] === 'function');
}

// From 50 ms to 2 s, varied at random, so that processes do not reconnect in step.
function retryDelay(attempt: number): number {
  return Math.min(50 * 2 ** attempt, 2000) * (0.5 + Math.random() / 2);
}

function ofIoRedis(client: IoRedisClient): RedisConnection {
  return {
    run: (script, keys, args) => client.callBuffer('EVAL', [script, keys.length, ...keys, ...args]),
    duplicate: (use) => {
      const own = client.duplicate({
        // The channel has no prefix; the keys have that of the given client.
        ...(use === 'notices' ? { keyPrefix: '' } : {}),
        // subscribe() waits for the connection.
        lazyConnect: false,
        autoResubscribe: false,
        maxRetriesPerRequest: null,
        retryStrategy: retryDelay,
      });
      // Errors of the connection also fail the commands on it, where they are reported.
      own.on('error', ignore);
      return ofIoRedis(own);
    },
    subscribe: (channel, notify) => {
      client.on('message', notify);
      client.on('ready', () => {
        client.subscribe(channel).then(notify, ignore);
      });
    },
    close: () => {
      client.disconnect();
    },
  };
}

// RESP's type of a bulk string, which the client would decode as UTF-8.
const bulkString = 36;

function ofNodeRedis(client: NodeRedisClient, ready: Promise<unknown> = Promise.resolve()): RedisConnection {
  return {
    run: async (script, keys, args) => {
      await ready;
      const command = ['EVAL', script, String(keys.length), ...keys, ...args];
      return await client.sendCommand(command, {
        typeMapping: { [bulkString]: Buffer },
        returnBuffers: true,
      });
    },
    duplicate: () => {
      const own = client.duplicate();
      own.on('error', ignore);
      const connecting = own.connect();
      connecting.catch(ignore);
      return ofNodeRedis(own, connecting);
    },
    subscribe: (channel, notify) => {
      // The client subscribes again by itself when it has reconnected.
      client.on('ready', notify);
      ready.then(() => client.subscribe(channel, notify)).then(notify, ignore);
    },
    close: () => {
      try {
        client.destroy();
      } catch {
        // It throws if it is not connected.
      }
    },
  };
}
