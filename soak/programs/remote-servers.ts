/**
 * The servers that read their CRLs from Redis and over HTTP. Both have their key and certificate from one loader.
 *
 * @module
 */
import type { RequestListener } from 'node:http';
import { createServer, type CredentialsLoader, type MtlsOptions, type MtlsServer } from 'express-mtls';
import { crlFromStore, crlFromUrl, redisStore, type SourceLoader } from 'express-mtls/sources';
import { Redis } from 'ioredis';
import { httpRefreshMs, redisPollMs } from '../plan.js';
import type { SuppliedPair } from '../remote/credential-renewal.js';

/** Where the CRLs are, and the files with the CAs whose CRLs they are. */
export interface RemotePlaces {
  /** `undefined` if there is no Redis. */
  readonly redis: { readonly url: string; readonly ca: string } | undefined;
  readonly http: { readonly urls: readonly string[]; readonly ca: string };
  /** The first pair. */
  readonly pair: SuppliedPair;
}

const ignore = (): void => undefined;
// With the delays that the client has by default, it would be connected again later than the CRL must be in force.
const reconnectMs = 100;

export class RemoteServers {
  redis: MtlsServer | undefined;
  http: MtlsServer | undefined;
  #client: Redis | undefined;
  #pair: SuppliedPair;
  readonly #watchers = new Set<() => void>();

  /** Starts them, without a port. @param files - CAs and CRLs that they read beside those of the places. */
  async open(
    places: RemotePlaces,
    { ca, crl, logger }: Required<Pick<MtlsOptions, 'ca' | 'crl' | 'logger'>>,
    app: RequestListener,
  ): Promise<void> {
    const { redis, http, pair } = places;
    this.#pair = pair;
    const start = async (own: string, loader: SourceLoader): Promise<MtlsServer> => {
      const sources = { ca: [ca, own].flat(), crl: [crl, loader].flat() };
      const server = await createServer({ ...sources, logger, credentials: this.#credentials }, app);
      // Only the gate may close a connection of a client in good standing.
      server.keepAliveTimeout = 0;
      return server;
    };
    this.http = await start(http.ca, crlFromUrl(http.urls, { refreshMs: httpRefreshMs }));
    if (redis === undefined) return;
    // Commands wait for the connection.
    const options = { retryStrategy: () => reconnectMs, maxRetriesPerRequest: null };
    this.#client = new Redis(redis.url, options);
    this.#client.on('error', ignore);
    this.redis = await start(redis.ca, crlFromStore(redisStore(this.#client), { pollMs: redisPollMs }));
  }

  /** Those that run. */
  get all(): readonly MtlsServer[] {
    return [this.redis, this.http].filter((server) => server !== undefined);
  }

  /** Gives the loader of credentials its next result. */
  supply(pair: SuppliedPair): void {
    this.#pair = pair;
    for (const notify of this.#watchers) notify();
  }

  /** Ends the connection to Redis. */
  close(): void {
    this.#client?.disconnect();
  }

  get #credentials(): CredentialsLoader {
    return {
      load: async () => {
        if (this.#pair === undefined) throw new Error('there is no pair');
        return await Promise.resolve(this.#pair);
      },
      watch: (notify) => {
        this.#watchers.add(notify);
        return { [Symbol.dispose]: () => this.#watchers.delete(notify) };
      },
    };
  }
}
