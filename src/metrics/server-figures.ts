/**
 * The counters of one server. Every map has a bounded number of keys, so memory use does not grow over time.
 *
 * @module
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type ErrorCode, faultCodes } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type RefusalReason, refusalReasons } from '../judgement/refusal.js';
import { type MtlsEvents } from '../server/events.js';
import { type Mtls, type MtlsMessage } from '../server/mtls.js';

/** The histograms that values are recorded in. */
export interface Histograms {
  readonly reloadDuration: (seconds: number) => void;
  readonly certificateRemaining: (seconds: number) => void;
}

/** The options of {@link ServerFigures}. */
export interface FiguresOptions {
  /** The labels of every sample of this server. */
  readonly labels: { readonly server?: string };
  /** For how many clients requests are counted by name; `0` counts requests without names. */
  readonly mostClients: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The names for callers without a certificate, and for clients beyond the limit. */
const anonymous = 'anonymous';
const others = 'other';

// A name can have 60,000 characters, and appears in every scrape.
const longestName = 128;

/** Counts the events of a server. */
export class ServerFigures {
  readonly mtls: Mtls;
  readonly labels: { readonly server?: string };
  readonly now: () => number;
  readonly refusals: Map<RefusalReason, number> = zeroes(refusalReasons);
  readonly evictions: Map<RefusalReason, number> = zeroes(refusalReasons);
  readonly failedReloads: Map<ErrorCode, number> = zeroes(faultCodes);
  /** By client; under `undefined` if requests are counted without names. */
  readonly requests: Map<string | undefined, number> = zeroes([]);
  admitted: number = 0;
  forbidden: number = 0;
  reloads: number = 0;
  /**
   * The time of the last reload that changed what is in force, in milliseconds since 1970; initially the start of
   * counting.
   */
  lastReload: number;
  readonly #mostClients: number;
  #clients = 0;
  readonly #leave: (() => void)[] = [];

  constructor(mtls: Mtls, { labels, mostClients, now }: FiguresOptions) {
    this.mtls = mtls;
    this.labels = labels;
    this.now = now;
    this.lastReload = now();
    this.#mostClients = mostClients;
  }

  /** Starts counting. */
  begin({ reloadDuration, certificateRemaining }: Histograms): void {
    this.#follow('authenticated', ({ identity }) => {
      this.admitted++;
      certificateRemaining((identity.notAfter.getTime() - this.now()) / 1000);
    });
    this.#follow('refused', ({ reason }) => {
      add(this.refusals, reason);
    });
    this.#follow('evicted', ({ reason }) => {
      add(this.evictions, reason);
    });
    this.#follow('forbidden', () => {
      this.forbidden++;
    });
    this.#follow('reloaded', ({ durationMs }) => {
      this.reloads++;
      this.lastReload = this.now();
      reloadDuration(durationMs / 1000);
    });
    this.#follow('reload-failed', ({ error }) => {
      add(this.failedReloads, error.code);
    });
  }

  /** Subscribes to a diagnostics channel, so that listeners of the application are not affected. */
  #follow<Name extends keyof MtlsEvents>(name: Name, count: (event: MtlsEvents[Name][0]) => void): void {
    const onMessage = (message: unknown): void => {
      const { mtls, event } = message as MtlsMessage<Name>;
      if (mtls === this.mtls) count(event);
    };
    subscribe(`express-mtls.${name}`, onMessage);
    this.#leave.push(() => unsubscribe(`express-mtls.${name}`, onMessage));
  }

  /** Stops counting. */
  close(): void {
    for (const leave of this.#leave.splice(0)) leave();
  }

  /** Counts a request. */
  countRequest(identity: ClientIdentity | undefined): void {
    add(this.requests, this.#mostClients === 0 ? undefined : this.#nameOf(identity));
  }

  #nameOf(identity: ClientIdentity | undefined): string {
    if (identity === undefined) return anonymous;
    const { commonName, spiffeId, subject } = identity;
    const name = (commonName ?? spiffeId ?? subject.toString()).slice(0, longestName);
    if (this.requests.has(name)) return name;
    if (this.#clients >= this.#mostClients) return others;
    this.#clients++;
    return name;
  }
}

// Prometheus sees the first event of each kind as an increase only if the counter already exists with value 0.
function zeroes<Key>(keys: readonly Key[]): Map<Key, number> {
  return new Map(keys.map((key) => [key, 0]));
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
