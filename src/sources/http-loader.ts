/**
 * A loader of CRLs over HTTP. Requests are made in the background; `load()` returns what has arrived. One timer asks
 * again.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type CrlInForce, type SourceLoader } from '../material/source-options.js';
import { wantedUris } from '../revocation/wanted-points.js';
import { HttpResource } from './http-resource.js';
import { type HttpSettings, parseHttpUrl } from './http-options.js';
import { warnOfOrigin } from './warn-once.js';

/** How a loader fetches. */
export interface HttpLoaderSettings {
  readonly http: HttpSettings;
  readonly mayBeEmpty: boolean;
  /** Whether delta CRLs are fetched from where full CRLs say. */
  readonly deltas: boolean;
  /** Whether a URL that a CRL or a redirect names may be fetched, for a CRL of these URLs. */
  readonly isAllowed: (url: URL, near: readonly URL[]) => boolean;
}

const mostAtOnce = 8;
const firstWaitMs = 50_000;
const laterWaitMs = 5000;
// A reload for another reason asks again, but not more often than this.
const reloadPauseMs = 5000;
const longestTimerMs = 2 ** 31 - 1;

/** Fetches a changing set of CRLs. */
export class HttpLoader implements SourceLoader {
  readonly mayBeEmpty: boolean;
  readonly #settings: HttpLoaderSettings;
  readonly #bases = new Map<string, HttpResource>();
  /** The delta CRL of each base. */
  readonly #deltas = new Map<HttpResource, HttpResource>();
  readonly #running = new Map<HttpResource, Promise<void>>();
  #queue: HttpResource[] = [];
  readonly #watchers = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #abort = new AbortController();
  #hasLoaded = false;
  #loads = 0;
  /** How many calls of load() the last notice to the watchers has yet to cause. */
  #noticed = 0;

  constructor(settings: HttpLoaderSettings) {
    this.#settings = settings;
    this.mayBeEmpty = settings.mayBeEmpty;
  }

  /** How many CRLs are fetched, without deltas. */
  get size(): number {
    return this.#bases.size;
  }

  /** Whether a CRL is fetched under this key. */
  has(key: string): boolean {
    return this.#bases.has(key);
  }

  /** Adds a CRL, from one URL or several mirrors. The next `load()` fetches it. */
  add(key: string, urls: readonly URL[]): void {
    this.#bases.set(key, this.#resourceAt(urls));
  }

  /** Fetches what was added, and reports it to the watchers. */
  fetchAdded(): void {
    for (const resource of this.#all) if (resource.askedAt === -Infinity) this.#start(resource);
  }

  /** Resolves to what has arrived, after waiting a while for what is due. */
  async load(signal: AbortSignal): Promise<readonly Buffer[]> {
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    const waitMs = this.#hasLoaded ? laterWaitMs : firstWaitMs;
    this.#hasLoaded = true;
    this.#loads++;
    try {
      this.#dropHopeless();
      const now = Date.now();
      // A notice says what has arrived; the reload that it causes is no reason to ask for the others.
      const isNoticed = this.#noticed > 0;
      if (isNoticed) this.#noticed--;
      for (const resource of this.#all)
        if (isNoticed ? resource.dueAt <= now : isStale(resource, now)) this.#start(resource);
      await this.#settled(waitMs, signal);
    } finally {
      this.#loads--;
      this.#schedule();
    }
    const contents = this.#all.flatMap(({ content }) => content ?? []);
    const [failure] = this.faults();
    if (contents.length === 0 && failure !== undefined && !this.mayBeEmpty) throw failure;
    if (contents.length === 0 && !this.mayBeEmpty)
      throw new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', { seen: 'no server has answered yet' });
    return contents;
  }

  /** Why CRLs could not be fetched when they were last asked for. */
  faults(): readonly MtlsError[] {
    return this.#all.flatMap(({ failure }) => failure ?? []);
  }

  /** When a server last sent or confirmed a CRL. */
  confirmedAt(given: Buffer): Date | undefined {
    const times = this.#all.map((one) => one.confirmedAt(given));
    return times.find((time) => time !== undefined);
  }

  /** Changes the mirror of a CRL that did not come into force. */
  inForce(given: readonly Buffer[], _crls: readonly CrlInForce[]): void {
    for (const resource of this.#all)
      if (resource.content !== undefined && !given.includes(resource.content)) resource.refuse();
    this.#schedule();
  }

  /** Asks again from time to time, until the last watcher is disposed of. */
  watch(notify: () => void): Disposable {
    this.#watchers.add(notify);
    this.#schedule();
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(notify);
        if (this.#watchers.size > 0) return;
        clearTimeout(this.#timer);
        this.#abort.abort();
        this.#queue = [];
        this.#noticed = 0;
      },
    };
  }

  get #all(): readonly HttpResource[] {
    return [...this.#bases.values(), ...this.#deltas.values()];
  }

  /** Drops CRLs that have failed repeatedly and were never fetched. A client that needs one requests it again. */
  #dropHopeless(): void {
    if (!this.mayBeEmpty) return;
    for (const [key, { content, failures }] of this.#bases)
      if (content === undefined && failures >= mostFailures) this.#bases.delete(key);
  }

  #resourceAt(urls: readonly URL[]): HttpResource {
    return new HttpResource(urls, this.#settings.http, (to) => this.#settings.isAllowed(to, urls));
  }

  #start(resource: HttpResource): void {
    if (this.#running.has(resource) || this.#queue.includes(resource)) return;
    if (this.#running.size >= mostAtOnce) this.#queue.push(resource);
    else this.#run(resource);
  }

  #run(resource: HttpResource): void {
    const running = resource.refresh(this.#abort.signal).then(() => {
      this.#running.delete(resource);
      this.#findDelta(resource);
      const next = this.#queue.shift();
      if (next !== undefined) this.#run(next);
      // A load() in progress returns it.
      if (this.#loads === 0 && !this.#abort.signal.aborted) this.#notify();
      this.#schedule();
    });
    this.#running.set(resource, running);
  }

  #notify(): void {
    this.#noticed = this.#watchers.size;
    for (const notify of this.#watchers) notify();
  }

  /** Resolves when no request is left, or after a time. */
  async #settled(waitMs: number, signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let end = (): void => undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, waitMs, 'late');
      end = () => {
        resolve('late');
      };
      signal.addEventListener('abort', end);
    });
    try {
      while (this.#running.size > 0 && !signal.aborted)
        if ((await Promise.race([late, ...this.#running.values()])) === 'late') return;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  /** The delta CRL of a full CRL (RFC 5280 section 5.2.6), if it says where it is. */
  #findDelta(base: HttpResource): void {
    if (!this.#settings.deltas || ![...this.#bases.values()].includes(base)) return;
    const named = wantedUris(
      base.outlines.map(({ freshestCrl }) => ({ crlDistributionPoints: [], freshestCrl })),
      mostDeltaUris,
    );
    const urls = named.flatMap((uri) => parseHttpUrl(uri) ?? []);
    const allowed = urls.filter((url) => this.#settings.isAllowed(url, base.urls));
    const known = this.#deltas.get(base);
    if (known?.urls.map(String).join(' ') === allowed.map(String).join(' ')) return;
    this.#deltas.delete(base);
    for (const { origin } of urls.filter((url) => !allowed.includes(url)))
      warnOfOrigin(origin, 'a delta CRL');
    if (allowed.length === 0) return;
    const delta = this.#resourceAt(allowed);
    this.#deltas.set(base, delta);
    this.#start(delta);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#watchers.size === 0 || !this.#hasLoaded) return;
    const idle = this.#all.filter((one) => !this.#running.has(one) && !this.#queue.includes(one));
    const dueAt = Math.min(...idle.map((one) => one.dueAt));
    if (dueAt === Infinity) return;
    this.#timer = setTimeout(
      () => {
        const now = Date.now();
        for (const resource of idle) if (resource.dueAt <= now) this.#start(resource);
        this.#schedule();
      },
      Math.min(Math.max(dueAt - Date.now(), 1), longestTimerMs),
    );
    this.#timer.unref();
  }
}

const mostDeltaUris = 4;
const mostFailures = 5;

/** Whether a load() requests it again, even if it is not due. After a failure, only the back-off decides. */
function isStale({ failure, askedAt, dueAt }: HttpResource, now: number): boolean {
  return dueAt <= now || (failure === undefined && askedAt + reloadPauseMs <= now);
}
