/**
 * A CRL at one URL or at several mirrors: its last content, and when to ask for it again.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type CrlOutline } from '../x509/crl.js';
import { fetchBounded, type Validators } from './bounded-fetch.js';
import { readCrlOutlines } from './crl-content.js';
import { describeHttpUrl, type HttpSettings } from './http-options.js';
import { FetchFailure } from './request-clock.js';
import { backOffMs, refreshDelayMs } from './refresh-schedule.js';

// A loader is given a minute. The rest is for reading what it returns.
const longestRoundMs = 45_000;

/** Fetches one CRL again and again. */
export class HttpResource {
  /** Where it is fetched, the first mirror first. */
  readonly urls: readonly URL[];
  readonly #settings: HttpSettings;
  readonly #mayFollow: (to: URL) => boolean;
  #first = 0;
  #content: Buffer | undefined;
  #outlines: readonly CrlOutline[] = [];
  /** The mirror that gave the content, and its validators. */
  #origin: { readonly url: URL; readonly validators: Validators } | undefined;
  readonly #confirmedAt = new WeakMap<Buffer, Date>();
  #failure: MtlsError | undefined;
  #failures = 0;
  #askedAt = -Infinity;
  #dueAt = -Infinity;
  /** Content that was passed on and did not come into force. */
  #refused: Buffer | undefined;

  /** @param mayFollow - Whether a redirect may lead to a URL of another origin. */
  constructor(urls: readonly URL[], settings: HttpSettings, mayFollow: (to: URL) => boolean) {
    this.urls = urls;
    this.#settings = settings;
    this.#mayFollow = mayFollow;
  }

  /** The last content. The same object as long as it does not change. */
  get content(): Buffer | undefined {
    return this.#content;
  }

  /** Its CRLs without their entries. */
  get outlines(): readonly CrlOutline[] {
    return this.#outlines;
  }

  /** When a server last sent or confirmed a content, the present or an earlier one. */
  confirmedAt(given: Buffer): Date | undefined {
    return this.#confirmedAt.get(given);
  }

  /** Why the last attempt failed; `undefined` if it did not. */
  get failure(): MtlsError | undefined {
    return this.#failure;
  }

  /** How many attempts in a row have failed. */
  get failures(): number {
    return this.#failures;
  }

  /** When it was last asked for, in milliseconds since 1970. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** When to ask for it again, in milliseconds since 1970. Immediately if the clock was set back since it was asked for. */
  get dueAt(): number {
    return this.#askedAt > Date.now() ? -Infinity : this.#dueAt;
  }

  /** Asks one mirror after the other until one answers with a CRL. Never rejects. */
  async refresh(closing: AbortSignal): Promise<void> {
    this.#askedAt = Date.now();
    const failures: MtlsError[] = [];
    let retryAfterMs = 0;
    for (let turn = 0; turn < this.urls.length; turn++) {
      const index = (this.#first + turn) % this.urls.length;
      try {
        const maxAgeMs = await this.#ask(this.urls[index] as URL, closing);
        this.#first = index;
        this.#succeed(maxAgeMs);
        return;
      } catch (error) {
        failures.push(asFault(this.urls[index] as URL, error));
        if (error instanceof FetchFailure) retryAfterMs = Math.max(retryAfterMs, error.retryAfterMs);
      }
      if (closing.aborted) return;
    }
    this.#fail(failures, retryAfterMs);
  }

  /** The content was passed on and did not come into force: another mirror may have a better one. */
  refuse(): void {
    if (this.urls.length < 2 || this.#refused === this.#content) return;
    this.#refused = this.#content;
    this.#first = (this.#first + 1) % this.urls.length;
    this.#dueAt = Math.min(this.#dueAt, Date.now() + backOffMs(1));
  }

  async #ask(url: URL, closing: AbortSignal): Promise<number | undefined> {
    const { timeoutMs } = this.#settings;
    const request = {
      url,
      validators: this.#origin?.url === url ? this.#origin.validators : undefined,
      mayFollow: this.#mayFollow,
      timeoutMs: Math.min(timeoutMs, Math.floor(longestRoundMs / this.urls.length)),
    };
    const { content, maxAgeMs } = await fetchBounded(request, this.#settings, closing);
    if (content === undefined) return maxAgeMs;
    const { bytes, validators } = content;
    if (this.#content === undefined || !bytes.equals(this.#content)) {
      this.#outlines = readCrlOutlines(bytes, describeHttpUrl(url));
      this.#content = bytes;
    }
    this.#origin = { url, validators };
    return maxAgeMs;
  }

  #succeed(maxAgeMs: number | undefined): void {
    const now = Date.now();
    const [crl] = this.#outlines;
    this.#failure = undefined;
    this.#failures = 0;
    if (this.#content !== undefined) this.#confirmedAt.set(this.#content, new Date(now));
    this.#dueAt = now + refreshDelayMs({ refreshMs: this.#settings.refreshMs, maxAgeMs, crl, now });
  }

  #fail(failures: readonly MtlsError[], retryAfterMs: number): void {
    const [first] = failures;
    const now = Date.now();
    this.#failures++;
    this.#dueAt = now + Math.max(backOffMs(this.#failures), retryAfterMs);
    this.#failure =
      first === undefined || failures.length === 1
        ? first
        : new MtlsError(first.code, { source: first.source, seen: 'every mirror failed', errors: failures });
  }
}

function asFault(url: URL, error: unknown): MtlsError {
  if (error instanceof MtlsError) return error;
  const seen = error instanceof FetchFailure ? error.message : 'failed';
  return new MtlsError(
    'ERR_MTLS_SOURCE_UNREADABLE',
    { source: describeHttpUrl(url), seen: `the server ${seen}`, remedy: 'the last CRL stays in force' },
    { cause: error },
  );
}
