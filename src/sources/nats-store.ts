/**
 * A store of CRLs in a key-value bucket of NATS JetStream.
 *
 * @module
 */
import { checkKeys, invalid } from '../option-checks.js';
import { count } from '../quantity.js';
import {
  checkKey,
  type CrlStore,
  longestReport,
  storeFailure,
  type StoredCrl,
  type StoredVersion,
  unlessAborted,
} from './crl-store.js';
import { Listing, type NatsBucket, revisionIn, versionOf, Watching } from './nats-bucket.js';
import { type NatsBucketSource, openedWhenNeeded } from './nats-opening.js';

/** The options of {@link natsStore}. */
export interface NatsStoreOptions {
  /**
   * A second bucket, for the reports of processes. Its `ttl` is how long a report is kept: three times `pollMs`, 30
   * seconds by default. Without it, processes do not report.
   */
  readonly reports?: NatsBucketSource;
}

/**
 * A store in a key-value bucket of NATS JetStream. A CRL must fit into one message: `max_payload` of the NATS server
 * is 1 MiB by default, which is about 28,000 entries.
 * @param kv - A bucket of the package `@nats-io/kv`, or a function that opens one: with a function, a process that has
 *   a last-good copy starts while NATS is down. Connect with `maxReconnectAttempts: -1`, so that the connection survives
 *   a long outage, and with a `pingInterval` of some seconds, so that a dead connection is noticed.
 * @param options - The bucket of the reports.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 * @example
 * ```ts
 * import { connect } from '@nats-io/transport-node';
 * import { Kvm } from '@nats-io/kv';
 * import { crlFromStore, natsStore } from 'express-mtls/sources';
 *
 * const kvm = new Kvm(await connect({ servers: 'nats.internal', maxReconnectAttempts: -1 }));
 * const reports = await kvm.create('express-mtls-reports', { ttl: 30_000 });
 * const crl = crlFromStore(natsStore(await kvm.create('express-mtls'), { reports }));
 * ```
 */
export function natsStore(kv: NatsBucketSource, options: NatsStoreOptions = {}): CrlStore {
  checkKeys(options, 'the options of natsStore()', ['reports']);
  const { reports } = options;
  return new NatsStore(
    bucketOf(kv, 'the bucket of natsStore()'),
    reports && bucketOf(reports, 'the bucket of reports'),
  );
}

function bucketOf(source: NatsBucketSource, name: string): NatsBucket {
  if (typeof source !== 'function') {
    checkBucket(source, name);
    return source;
  }
  return openedWhenNeeded(async () => {
    const bucket = await source();
    checkBucket(bucket, name);
    return bucket;
  });
}

function checkBucket(kv: unknown, name: string): void {
  const methods = ['get', 'create', 'update', 'watch', 'status'] as const;
  const isBucket =
    typeof kv === 'object' &&
    kv !== null &&
    methods.every((method) => typeof (kv as Partial<NatsBucket>)[method] === 'function');
  if (!isBucket) throw invalid(name, kv, "a bucket of the package '@nats-io/kv'");
}

class NatsStore implements CrlStore {
  readonly name = 'nats';
  readonly #kv: NatsBucket;
  readonly #reports: NatsBucket | undefined;
  readonly #crls: Listing;
  readonly #listedReports: Listing | undefined;

  constructor(kv: NatsBucket, reports: NatsBucket | undefined) {
    this.#kv = kv;
    this.#reports = reports;
    this.#crls = new Listing(kv);
    this.#listedReports = reports && new Listing(reports);
  }

  async list(most: number, signal: AbortSignal): Promise<readonly StoredVersion[]> {
    return await this.#call('listing', signal, async () => {
      const entries = await this.#crls.latest(most, signal);
      if (entries.length > most)
        throw storeFailure(this.name, 'listing', `it has more than ${count(most, 'CRL')}`);
      return entries.map((entry) => ({
        key: entry.key.slice(0, 65),
        version: versionOf(entry),
        bytes: entry.length,
      }));
    });
  }

  async read(key: string, mostBytes: number, signal: AbortSignal): Promise<StoredCrl | undefined> {
    return await this.#call('reading', signal, async () => {
      // One message, whose length the NATS server limits.
      const entry = await this.#kv.get(key);
      if (entry === null) return undefined;
      const { operation, value } = entry;
      const isTooLong = operation === 'PUT' && value.length > mostBytes;
      const crl = operation === 'PUT' && !isTooLong ? Buffer.from(value) : undefined;
      return { version: versionOf(entry), bytes: operation === 'PUT' ? value.length : 0, crl };
    });
  }

  async write(
    key: string,
    crl: Buffer,
    replaces: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    checkKey(key);
    return await this.#call('writing', signal, async () => {
      try {
        const revision =
          replaces === undefined
            ? await this.#kv.create(key, crl)
            : await this.#kv.update(key, crl, revisionIn(replaces));
        return await this.#versionOf(key, revision);
      } catch (error) {
        if (isConflict(error)) return undefined;
        throw error;
      }
    });
  }

  /** The version of a revision that was just written, as readers see it. */
  async #versionOf(key: string, revision: number): Promise<string> {
    const entry = await this.#kv.get(key);
    return entry?.revision === revision ? versionOf(entry) : String(revision);
  }

  watch(notify: () => void): Disposable {
    const watching = new Watching(this.#kv, notify);
    return {
      [Symbol.dispose]: () => {
        watching.stop();
      },
    };
  }

  async report(id: string, report: string, _keepMs: number, signal: AbortSignal): Promise<void> {
    const bucket = this.#reports;
    if (bucket !== undefined) await this.#call('reporting', signal, () => bucket.put(id, report));
  }

  async reports(most: number, signal: AbortSignal): Promise<readonly string[]> {
    const [bucket, listed] = [this.#reports, this.#listedReports];
    if (bucket === undefined || listed === undefined) return [];
    return await this.#call('reading', signal, async () => {
      const latest = (await listed.latest(most, signal)).slice(0, most);
      const short = latest.filter(({ length }) => length <= longestReport);
      const entries = await Promise.all(short.map(({ key }) => bucket.get(key)));
      return entries.flatMap((entry) =>
        entry?.operation === 'PUT' ? [Buffer.from(entry.value).toString()] : [],
      );
    });
  }

  async #call<Result>(what: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    try {
      return await unlessAborted(work(), signal);
    } catch (cause) {
      throw storeFailure(this.name, what, cause);
    }
  }
}

// JSStreamWrongLastSequenceErrF and JSStreamWrongLastSequenceConstantErr of the NATS server.
const conflicts: readonly unknown[] = [10071, 10164];

function isConflict(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && conflicts.includes(error.code);
}
