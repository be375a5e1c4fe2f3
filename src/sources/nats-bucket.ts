/**
 * A key-value bucket of NATS: listing and watching it.
 *
 * @module
 */
import { Backoff } from './backoff.js';

/** What is used of an entry of a bucket. */
export interface NatsEntry {
  /** Its key. */
  readonly key: string;
  /** Its value. */
  readonly value: Uint8Array;
  /** Grows with every write to the bucket. */
  readonly revision: number;
  /** When it was written, by the clock of the NATS server. */
  readonly created: Date;
  /** The length of its value. */
  readonly length: number;
  /** How many entries follow. */
  readonly delta?: number;
  /** What was done to the key. */
  readonly operation: 'PUT' | 'DEL' | 'PURGE';
}

/** What is used of a bucket (`KV`) of the package `@nats-io/kv`. */
export interface NatsBucket {
  /** Reads an entry. */
  readonly get: (key: string) => Promise<NatsEntry | null>;
  /** Writes a key that is unused. */
  readonly create: (key: string, data: Uint8Array | string) => Promise<number>;
  /** Writes a key if it has this revision. */
  readonly update: (key: string, data: Uint8Array | string, version: number) => Promise<number>;
  /** Writes a key. */
  readonly put: (key: string, data: Uint8Array | string) => Promise<number>;
  /** Yields entries as they are written. */
  readonly watch: (options?: NatsWatchOptions) => Promise<NatsEntries>;
  /** What the bucket holds. */
  readonly status: () => Promise<NatsStatus>;
}

/** How a bucket is watched. */
export interface NatsWatchOptions {
  /** Whether values are left out. */
  headers_only?: boolean;
  /** Whether what is there comes first, or only what is written from now on. */
  include?: '' | 'updates';
}

/** What is used of the status of a bucket. */
export interface NatsStatus {
  /** The stream of the bucket. */
  readonly streamInfo: {
    /** Its state. */
    readonly state: {
      /** How many messages it has. */
      readonly messages: number;
      /** The number of the last one. */
      readonly last_seq: number;
      /** When the last one was written. */
      readonly last_ts: string;
    };
  };
}

/** What is used of the entries that a watch yields. */
export interface NatsEntries extends AsyncIterable<NatsEntry> {
  /** Ends the watch. */
  stop(): void;
}

/** What is used of an entry without its value. */
type Listed = Pick<NatsEntry, 'key' | 'revision' | 'created' | 'length'>;

/**
 * The version of an entry: its revision and its time. After a backup was restored, or on the other side of a split
 * network, the same revision can have another content.
 */
export function versionOf({ revision, created }: Pick<NatsEntry, 'revision' | 'created'>): string {
  return `${revision}-${created.getTime()}`;
}

/** The revision in a version. */
export function revisionIn(version: string): number {
  return Number(version.split('-')[0]);
}

/**
 * The last entry of each key that is in use. To list a bucket, its client makes a consumer on the NATS server, which
 * stays there for five minutes. Therefore the bucket is listed only if it has changed.
 */
export class Listing {
  readonly #kv: NatsBucket;
  #last: { readonly state: string; readonly most: number; readonly entries: readonly Listed[] } | undefined;

  constructor(kv: NatsBucket) {
    this.#kv = kv;
  }

  /** One more than `most` if there are more. */
  async latest(most: number, signal: AbortSignal): Promise<readonly Listed[]> {
    const { state: bucket } = (await this.#kv.status()).streamInfo;
    const { messages } = bucket;
    // A watch of an empty bucket yields nothing, so its end cannot be detected.
    if (messages === 0) return [];
    const state = `${bucket.last_seq} ${bucket.last_ts} ${messages}`;
    if (this.#last?.state === state && this.#last.most === most) return this.#last.entries;
    const entries = await this.#list(most, signal);
    this.#last = { state, most, entries };
    return entries;
  }

  async #list(most: number, signal: AbortSignal): Promise<Listed[]> {
    const entries = await this.#kv.watch({ headers_only: true });
    const stop = (): void => {
      entries.stop();
    };
    signal.addEventListener('abort', stop, { once: true });
    // A key that is written meanwhile comes again.
    const found = new Map<string, Listed>();
    try {
      for await (const { key, revision, created, length, operation, delta = 0 } of entries) {
        if (operation === 'PUT') found.set(key, { key, revision, created, length });
        else found.delete(key);
        if (found.size > most || delta === 0) break;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      entries.stop();
    }
    signal.throwIfAborted();
    return [...found.values()];
  }
}

/** A watch of a bucket, renewed when it ends. */
export class Watching {
  readonly #kv: NatsBucket;
  readonly #notify: () => void;
  readonly #backoff = new Backoff();
  #entries: NatsEntries | undefined;
  #stopped = false;

  /** Watches at once. @param notify - Called for every entry, and when it watches (again). */
  constructor(kv: NatsBucket, notify: () => void) {
    this.#kv = kv;
    this.#notify = notify;
    void this.#watch();
  }

  /** Stops watching. */
  stop(): void {
    this.#stopped = true;
    this.#backoff.stop();
    this.#entries?.stop();
  }

  async #watch(): Promise<void> {
    try {
      this.#entries = await this.#kv.watch({ headers_only: true, include: 'updates' });
      if (this.#stopped) {
        this.#entries.stop();
        return;
      }
      this.#backoff.reset();
      this.#notify();
      for await (const entry of this.#entries) {
        if (entry.revision > 0) this.#notify();
      }
    } catch {
      // If the bucket cannot be read either, the next reading reports it.
    }
    if (!this.#stopped) this.#backoff.schedule(() => void this.#watch());
  }
}
