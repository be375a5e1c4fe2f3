/**
 * A store of CRLs in Redis or Valkey.
 *
 * @module
 */
import { checkEach, invalid } from '../option-checks.js';
import { count } from '../quantity.js';
import {
  checkKey,
  type CrlStore,
  newVersion,
  storeFailure,
  type StoredCrl,
  type StoredVersion,
  unlessAborted,
} from './crl-store.js';
import { connectionOf, type RedisClient, type RedisConnection } from './redis-client.js';

/** The options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * What the names of keys and channel begin with. Servers with different CAs use different prefixes.
   * @defaultValue `'express-mtls'`; 1 to 64 letters, digits, `.`, `_`, `:` and `-`
   */
  readonly prefix?: string;
}

/**
 * A store in Redis: two hashes, with CRLs and their versions, and a channel. The names of all keys begin with
 * `{prefix}`, so that they are in the same slot of a Redis Cluster.
 *
 * Commands are sent through the given client. For notices the store opens one more connection, with the same options.
 * @param client - A client of the package `ioredis` or `redis`; the latter must be connected.
 * @param options - The names in Redis.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { crlFromStore, redisStore } from 'express-mtls/sources';
 *
 * const crl = crlFromStore(redisStore(new Redis('redis://store.internal')));
 * const server = await createServer({ key, cert, ca, crl }, app);
 * ```
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): CrlStore {
  const { prefix } = checkEach(options, 'the options of redisStore()', {
    prefix: () => checkPrefix(options.prefix),
  });
  return new RedisStore(connectionOf(client), prefix);
}

function checkPrefix(prefix: unknown = 'express-mtls'): string {
  if (typeof prefix === 'string' && /^[\w.:-]{1,64}$/.test(prefix)) return prefix;
  throw invalid('prefix', prefix, '1 to 64 letters, digits, ".", "_", ":" and "-"');
}

// A hostile writer can choose names and versions of any length, so they are cut before they are sent.
const listScript = `
local number = redis.call('HLEN', KEYS[1])
if number > tonumber(ARGV[1]) then return number end
local found = {}
for index, key in ipairs(redis.call('HKEYS', KEYS[1])) do
  local version = redis.call('HGET', KEYS[2], key) or ''
  found[index] = {string.sub(key, 1, 65), string.sub(version, 1, 65), redis.call('HSTRLEN', KEYS[1], key)}
end
return found`;

const readScript = `
local version = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local bytes = redis.call('HSTRLEN', KEYS[1], ARGV[1])
if bytes == 0 then return {string.sub(version, 1, 65), bytes} end
if bytes > tonumber(ARGV[2]) then return {string.sub(version, 1, 65), bytes} end
return {string.sub(version, 1, 65), bytes, redis.call('HGET', KEYS[1], ARGV[1])}`;

const writeScript = `
local version = string.sub(redis.call('HGET', KEYS[2], ARGV[1]) or '', 1, 65)
if version ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('PUBLISH', ARGV[5], ARGV[1])
return 1`;

// The reports are in a hash, and a sorted set has when each ends: Redis before 7.4 has no fields with a time to live.
const reportScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)
for _, id in ipairs(ended) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 86400000)
redis.call('PEXPIRE', KEYS[2], 86400000)
return 1`;

const reportsScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reports = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf', 'LIMIT', 0, ARGV[1])) do
  local bytes = redis.call('HSTRLEN', KEYS[1], id)
  if bytes > 0 and bytes <= tonumber(ARGV[2]) then reports[#reports + 1] = redis.call('HGET', KEYS[1], id) end
end
return reports`;

// Four bytes of UTF-8 for each character of the longest report.
const mostReportBytes = String(4 * 65_536);

class RedisStore implements CrlStore {
  readonly name = 'redis';
  readonly #given: RedisConnection;
  readonly #crlKeys: readonly string[];
  readonly #reportKeys: readonly string[];
  readonly #channel: string;
  /** Replaces the given connection once a command on it got no answer. */
  #own: RedisConnection | undefined;
  #watches = 0;

  constructor(given: RedisConnection, prefix: string) {
    this.#given = given;
    this.#crlKeys = [`{${prefix}}:crls`, `{${prefix}}:versions`];
    this.#reportKeys = [`{${prefix}}:reports`, `{${prefix}}:reports-end`];
    this.#channel = `{${prefix}}:changed`;
  }

  async list(most: number, signal: AbortSignal): Promise<readonly StoredVersion[]> {
    const found = await this.#run(listScript, this.#crlKeys, [String(most)], signal);
    if (!Array.isArray(found))
      throw storeFailure(this.name, 'listing', `it has ${count(Number(found), 'CRL')}, more than ${most}`);
    return (found as [unknown, unknown, unknown][]).map(([key, version, bytes]) => ({
      key: String(key),
      version: String(version),
      bytes: Number(bytes),
    }));
  }

  async read(key: string, mostBytes: number, signal: AbortSignal): Promise<StoredCrl | undefined> {
    const found = await this.#run(readScript, this.#crlKeys, [key, String(mostBytes)], signal);
    const [version, bytes, crl] = found as [unknown, unknown, unknown];
    if (String(version) === '' && Number(bytes) === 0) return undefined;
    return {
      version: String(version),
      bytes: Number(bytes),
      crl: crl instanceof Uint8Array ? Buffer.from(crl) : undefined,
    };
  }

  async write(
    key: string,
    crl: Buffer,
    replaces: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    checkKey(key);
    const version = newVersion();
    const args = [key, replaces ?? '', version, crl, this.#channel];
    return (await this.#run(writeScript, this.#crlKeys, args, signal)) === 1 ? version : undefined;
  }

  watch(notify: () => void): Disposable {
    const connection = this.#given.duplicate('notices');
    connection.subscribe(this.#channel, notify);
    this.#watches++;
    return {
      [Symbol.dispose]: () => {
        connection.close();
        if (--this.#watches > 0) return;
        this.#own?.close();
        this.#own = undefined;
      },
    };
  }

  async report(id: string, report: string, keepMs: number, signal: AbortSignal): Promise<void> {
    await this.#run(reportScript, this.#reportKeys, [id, report, String(keepMs)], signal);
  }

  async reports(most: number, signal: AbortSignal): Promise<readonly string[]> {
    const reports = await this.#run(reportsScript, this.#reportKeys, [String(most), mostReportBytes], signal);
    return (reports as unknown[]).map(String);
  }

  /**
   * Runs a script. If there is no answer, the connection may be dead without either end knowing, as when a firewall
   * has forgotten it: the next command uses a new one.
   */
  async #run(
    script: string,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    signal: AbortSignal,
  ): Promise<unknown> {
    const connection = this.#own ?? this.#given;
    try {
      return await unlessAborted(connection.run(script, keys, args), signal);
    } catch (cause) {
      if (signal.aborted && connection === (this.#own ?? this.#given)) this.#renew();
      throw storeFailure(this.name, 'the command', cause);
    }
  }

  #renew(): void {
    this.#own?.close();
    // A publisher tries again, and would otherwise have a connection to close.
    this.#own = this.#watches > 0 ? this.#given.duplicate('commands') : undefined;
  }
}
