/**
 * What two of the servers have from elsewhere: CRLs from Redis and over HTTP, and credentials from a loader.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateAuthority } from '../../test/support/chain.js';
import type { Journal } from '../chaos/journal.js';
import { RevocationQueue } from '../chaos/revocation-queue.js';
import type { Fleet } from '../fleet.js';
import { type ConnectionKind, httpKinds, redisKinds, revokedRemotely } from '../plan.js';
import type { RemotePlaces } from '../programs/remote-servers.js';
import { CredentialRenewal, type SuppliedPair } from './credential-renewal.js';
import { HttpOutlet } from './http-outlet.js';
import { RedisOutlet } from './redis-outlet.js';
import { RemoteCrl } from './remote-crl.js';

export class RemoteSources {
  readonly #folder: string;
  /** `undefined` if Redis is not installed. */
  readonly #redis: RemoteCrl<RedisOutlet> | undefined;
  readonly #http: RemoteCrl<HttpOutlet>;
  readonly #credentials: CredentialRenewal;
  #queues: readonly RevocationQueue[] = [];

  /** @param issuer - Issues the certificates of the servers. */
  constructor(
    folder: string,
    issuer: CertificateAuthority,
    { journal, hasRedis }: { journal: Journal; hasRedis: boolean },
  ) {
    this.#folder = folder;
    const inRedis = ({ pem }: CertificateAuthority): RedisOutlet =>
      new RedisOutlet(join(folder, 'redis'), pem);
    this.#redis = hasRedis ? new RemoteCrl('redis-ca', inRedis, journal) : undefined;
    this.#http = new RemoteCrl('http-ca', () => new HttpOutlet(), journal);
    this.#credentials = new CredentialRenewal(issuer, journal);
  }

  /** How many CRLs were published, how often what failed, and how often the credentials were renewed. */
  get counts(): {
    readonly lists: Readonly<Record<string, number>>;
    readonly broken: Readonly<Record<string, number>>;
    readonly renewals: number;
  } {
    const crls = this.#crls;
    return {
      lists: Object.fromEntries(crls.map(({ outlet, lists }) => [outlet.way, lists])),
      broken: Object.assign({}, ...crls.map(({ outages }) => outages), this.#credentials.broken) as Record<
        string,
        number
      >,
      renewals: this.#credentials.renewals,
    };
  }

  /** Starts Redis and the mirrors, with the first CRLs. */
  async open(): Promise<RemotePlaces> {
    await Promise.all(this.#crls.map(({ outlet }) => outlet.open()));
    await Promise.all(this.#crls.map((crl) => crl.begin()));
    const redis = this.#redis;
    return {
      redis: redis && { url: redis.outlet.url, ca: this.#caFileOf(redis.authority, 'redis-crt.pem') },
      http: { urls: this.#http.outlet.urls, ca: this.#caFileOf(this.#http.authority, 'http-crt.pem') },
      pair: this.#credentials.first,
    };
  }

  /** Whose clients have a kind of connection; `undefined` for the kinds of other servers. */
  authorityOf(kind: ConnectionKind): CertificateAuthority | undefined {
    if (httpKinds.includes(kind)) return this.#http.authority;
    return redisKinds.includes(kind) ? this.#redis?.authority : undefined;
  }

  /** Publishes CRLs and renews the credentials until `signal`. @param supply - Gives the loader its next result. */
  async run(fleet: Fleet, supply: (pair: SuppliedPair) => Promise<void>, signal: AbortSignal): Promise<void> {
    const revokeAll = this.#crls.map(async (crl) => {
      const queue = new RevocationQueue(fleet, crl.authority, signal);
      this.#queues = [...this.#queues, queue];
      await queue.fill(crl === this.#http ? httpKinds : redisKinds, revokedRemotely);
      await crl.run(queue, signal);
    });
    await Promise.all([...revokeAll, this.#credentials.run(supply, signal)]);
  }

  /** Waits until nothing more is started. */
  async settle(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.settle()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#crls.map(({ outlet }) => outlet.stop()));
  }

  get #crls(): readonly RemoteCrl<RedisOutlet | HttpOutlet>[] {
    return [this.#redis, this.#http].filter((crl) => crl !== undefined);
  }

  #caFileOf({ pem }: CertificateAuthority, name: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, pem);
    return file;
  }
}
