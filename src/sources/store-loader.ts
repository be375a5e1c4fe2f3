/**
 * `crlFromStore()`: the CRLs of a shared store as a source.
 *
 * @module
 */
import { combineFaults, MtlsError } from '../errors.js';
import { type CrlInForce, type SourceLoader } from '../material/source-options.js';
import { count } from '../quantity.js';
import { type CrlStore, isKey, storeFailure, type StoredVersion } from './crl-store.js';
import { Notices } from './notices.js';
import { ProcessReporter } from './process-reporter.js';
import { checkStoreOptions, type StoreSettings, type StoreSourceOptions } from './store-source-options.js';
import { TimeLimitError, within } from '../within.js';

/**
 * The CRLs of a shared store: read at start, when the store announces a change, and every few seconds. The content
 * of the store is verified like any CRL, and a CRL that is older than the one in force is refused.
 * @param store - The store: `redisStore()`, `postgresStore()`, `natsStore()`, or your own.
 * @param options - Limits and intervals.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 * @example
 * ```ts
 * const crl = crlFromStore(redisStore(new Redis('redis://store.internal')));
 * const server = await createServer({ key, cert, ca, crl }, app);
 * ```
 */
export function crlFromStore(store: CrlStore, options: StoreSourceOptions = {}): SourceLoader {
  return new StoreLoader(store, checkStoreOptions(options));
}

/** The content of a key when it was last read. */
interface Held {
  readonly version: string;
  readonly crl: Buffer;
}

// How many keys are read at once.
const readsAtOnce = 4;

class StoreLoader implements SourceLoader {
  readonly mayBeEmpty: boolean;
  readonly #store: CrlStore;
  readonly #settings: StoreSettings;
  readonly #reporter: ProcessReporter | undefined;
  /** Settles with the last call of load(), so that calls follow one another. */
  #last: Promise<unknown> = Promise.resolve();
  #held: ReadonlyMap<string, Held> = new Map();
  #inForce: ReadonlySet<Buffer> = new Set();
  #faults: readonly MtlsError[] = [];
  /** When the store last held a Buffer. */
  readonly #confirmedAt = new WeakMap<Buffer, Date>();
  /** Whether the store could not be read the last time. */
  #isDown = false;
  #noticed = false;
  #notices: Notices | undefined;

  constructor(store: CrlStore, settings: StoreSettings) {
    this.#store = store;
    this.#settings = settings;
    this.mayBeEmpty = settings.mayBeEmpty;
    // A report outlives two polls.
    this.#reporter = settings.report ? new ProcessReporter(store, 3 * settings.pollMs) : undefined;
  }

  async load(signal: AbortSignal): Promise<readonly Buffer[]> {
    const loading = this.#last.then(
      () => this.#load(signal),
      () => this.#load(signal),
    );
    this.#last = loading;
    return await loading;
  }

  watch(notify: () => void): Disposable {
    const notices = new Notices(
      (receive) => this.#store.watch(receive),
      () => {
        this.#noticed = true;
        notify();
      },
    );
    this.#notices = notices;
    const poll = this.#pollWith(notify);
    this.#reporter?.start();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(poll.timer);
        notices.stop();
        this.#notices = undefined;
        this.#reporter?.stop();
      },
    };
  }

  /** What was wrong with single keys at the last load(). What could be read of the others was returned. */
  faults(): readonly MtlsError[] {
    return this.#faults;
  }

  confirmedAt(given: Buffer): Date | undefined {
    return this.#confirmedAt.get(given);
  }

  inForce(given: readonly Buffer[], crls: readonly CrlInForce[]): void {
    this.#inForce = new Set(given);
    const versions = [...this.#held].filter(([, { crl }]) => this.#inForce.has(crl));
    this.#reporter?.report(
      versions.map(([key, { version }]) => [key, version]),
      crls,
    );
  }

  #pollWith(notify: () => void): { timer: NodeJS.Timeout } {
    const next = (): NodeJS.Timeout => {
      const spread = 0.8 + Math.random() * 0.4;
      return setTimeout(() => {
        notify();
        poll.timer = next();
      }, this.#settings.pollMs * spread).unref();
    };
    const poll = { timer: next() };
    return poll;
  }

  async #load(signal: AbortSignal): Promise<readonly Buffer[]> {
    const wasNoticed = this.#noticed;
    this.#noticed = false;
    let versions;
    try {
      versions = await this.#call(signal, (limit) => this.#store.list(this.#settings.maxCrls, limit));
    } catch (error) {
      this.#isDown = true;
      throw error;
    }
    const changed = versions.filter(({ key, version }) => this.#held.get(key)?.version !== version);
    // A change without a notice, or an outage: the subscription may be dead without either end knowing.
    const isMissed = changed.length > 0 && !wasNoticed && this.#held.size > 0;
    if (this.#isDown || isMissed) this.#notices?.renew();
    this.#isDown = false;
    const faults: MtlsError[] = [];
    const read = await this.#readAll(this.#affordable(versions, changed, faults), signal, faults);
    this.#held = new Map(
      versions.flatMap(({ key }): [string, Held][] => {
        const held = read.get(key) ?? this.#held.get(key);
        return held === undefined ? [] : [[key, held]];
      }),
    );
    this.#faults = faults;
    this.#confirm(versions, read);
    return this.#answer();
  }

  /**
   * A key whose present content is not read has a last-good copy, which the store does not confirm. What was read may
   * be newer than what was listed.
   */
  #confirm(versions: readonly StoredVersion[], read: ReadonlyMap<string, Held>): void {
    const now = new Date();
    for (const { key, version } of versions) {
      const held = this.#held.get(key);
      if (held !== undefined && (held.version === version || read.has(key)))
        this.#confirmedAt.set(held.crl, now);
    }
  }

  #answer(): readonly Buffer[] {
    if (this.#held.size > 0) return [...this.#held.values()].map(({ crl }) => crl);
    const [first, ...others] = this.#faults;
    if (first !== undefined) throw combineFaults([first, ...others]);
    if (this.mayBeEmpty) return [];
    throw new MtlsError('ERR_MTLS_STORE_FAILED', {
      source: this.#store.name,
      seen: 'the store has no CRL',
      remedy: 'publish one with "express-mtls publish", or set mayBeEmpty: true',
    });
  }

  /**
   * The changed CRLs that may be read: those that replace a CRL in force first, then the shortest, so that
   * CRLs that a hostile writer adds displace no others.
   */
  #affordable(
    versions: readonly StoredVersion[],
    changed: readonly StoredVersion[],
    faults: MtlsError[],
  ): StoredVersion[] {
    const { maxCrlBytes, maxBytes } = this.#settings;
    const unchanged = versions.filter((one) => !changed.includes(one));
    let left = maxBytes - unchanged.reduce((sum, { bytes }) => sum + bytes, 0);
    const isKnown = ({ key }: StoredVersion): boolean => {
      const held = this.#held.get(key);
      return held !== undefined && this.#inForce.has(held.crl);
    };
    const order = [...changed].sort(
      (one, other) => Number(isKnown(other)) - Number(isKnown(one)) || one.bytes - other.bytes,
    );
    return order.filter((one) => {
      const fault = this.#faultOf(one, Math.min(left, maxCrlBytes));
      if (fault === undefined) left -= one.bytes;
      else faults.push(fault);
      return fault === undefined;
    });
  }

  #faultOf({ key, bytes }: StoredVersion, mostBytes: number): MtlsError | undefined {
    if (!isKey(key))
      return this.#fault({
        seen: `a key is named ${JSON.stringify(key)}, which publishCrl() does not write`,
        remedy: 'delete it',
      });
    if (bytes <= 0)
      return this.#fault({ seen: `the key "${key}" is empty`, remedy: 'publish its CRL again' });
    if (bytes <= mostBytes) return undefined;
    return this.#fault({
      seen: `the CRL in the key "${key}" has ${count(bytes, 'byte')}`,
      expected: `at most ${count(mostBytes, 'byte')}`,
      remedy: 'publish its CRL again, or increase maxCrlBytes and maxBytes',
    });
  }

  #fault(details: { seen: string; expected?: string; remedy: string }): MtlsError {
    return new MtlsError('ERR_MTLS_STORE_FAILED', { source: this.#store.name, ...details });
  }

  async #readAll(
    wanted: readonly StoredVersion[],
    signal: AbortSignal,
    faults: MtlsError[],
  ): Promise<Map<string, Held>> {
    const read = new Map<string, Held>();
    const waiting = [...wanted];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { key, bytes } = next;
        try {
          const stored = await this.#call(signal, (limit) => this.#store.read(key, bytes, limit));
          if (stored?.crl !== undefined) read.set(key, { version: stored.version, crl: stored.crl });
          // It was replaced by a longer one, or deleted, in between; there is another notice of that.
        } catch (error) {
          faults.push(storeFailure(this.#store.name, `reading the key "${key}"`, error));
        }
      }
    };
    await Promise.all(Array.from({ length: readsAtOnce }, work));
    return read;
  }

  async #call<Result>(signal: AbortSignal, work: (limit: AbortSignal) => Promise<Result>): Promise<Result> {
    const { timeoutMs } = this.#settings;
    try {
      return await within(timeoutMs, work, signal);
    } catch (cause) {
      if (!(cause instanceof TimeLimitError)) throw storeFailure(this.#store.name, 'the command', cause);
      throw new MtlsError(
        'ERR_MTLS_STORE_FAILED',
        { source: this.#store.name, seen: cause.message },
        { cause },
      );
    }
  }
}
