/**
 * `express-mtls/sources`: loaders of CRLs for many processes.
 *
 * @module
 */
export type { CrlInForce, SourceLoader } from '../material/source-options.js';
export type {
  FetchedBody,
  FetchedPiece,
  FetchedResponse,
  FetchFunction,
  HttpSourceOptions,
} from './http-options.js';
export { crlFromUrl, type CrlFromUrlOptions } from './crl-from-url.js';
export {
  crlFromDistributionPoints,
  type CrlFromDistributionPointsOptions,
} from './crl-from-distribution-points.js';
export { lastGood } from './last-good.js';
export { crlFromStore } from './store-loader.js';
export type { StoreSourceOptions } from './store-source-options.js';
export { redisStore, type RedisStoreOptions } from './redis-store.js';
export type { IoRedisClient, NodeRedisClient, RedisClient } from './redis-client.js';
export { postgresStore, type PostgresStoreOptions } from './postgres-store.js';
export type {
  PooledPostgresClient,
  PostgresClient,
  PostgresPool,
  PostgresResult,
} from './postgres-client.js';
export { natsStore, type NatsStoreOptions } from './nats-store.js';
export type { NatsBucketSource } from './nats-opening.js';
export type { NatsBucket, NatsEntries, NatsEntry, NatsStatus, NatsWatchOptions } from './nats-bucket.js';
export type { CrlStore, StoredCrl, StoredVersion } from './crl-store.js';
export { publishCrl, type PublishedCrl, type PublishOptions, type PublishReport } from './publish-crl.js';
export { type Confirmation, readFleet } from './confirmation.js';
export type { FleetProcess, ProcessReport } from './process-report.js';
export { caFromSpiffeBundle } from './ca-from-spiffe-bundle.js';
