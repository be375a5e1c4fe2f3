/**
 * What is counted of one server. Every map has a bounded number of keys, so that nothing grows with time.
 *
 * @module
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type ErrorCode, faultCodes } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type RefusalReason, refusalReasons } from '../judgement/refusal.js';
import { type MtlsEvents } from '../server/events.js';
import { type Mtls, type MtlsMessage } from '../server/mtls.js';

/** Where what has a distribution goes. */
export interface Histograms {
  readonly reloadDuration: (seconds: number) => void;
  readonly certificateRemaining: (seconds: number) => void;
}

/** What {@link ServerFigures} needs beside the handle. */
export interface FiguresOptions {
  /** On every sample of this server. */
  readonly labels: { readonly server?: string };
  /** How many clients are counted by name; `0`: requests are counted without names. */
  readonly mostClients: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The name of callers without a certificate, and that of the clients for which there were too many names. */
const anonymous = 'anonymous';
const others = 'other';

// A name may have 60,000 characters, and would be in every scrape.
const longestName = 128;

/** Counts what a server tells. */
export class ServerFigures {
  readonly mtls: Mtls;
  readonly labels: { readonly server?: string };
  readonly now: () => number;
  readonly refusals: Map<RefusalReason, number> = zeroes(refusalReasons);
  readonly evictions: Map<RefusalReason, number> = zeroes(refusalReasons);
  readonly failedReloads: Map<ErrorCode, number> = zeroes(faultCodes);
  /** By client; under `undefined` where there are no names. */
  readonly requests: Map<string | undefined, number> = zeroes([]);
  admitted: number = 0;
  forbidden: number = 0;
  reloads: number = 0;
  /** When something new was last put into force, in milliseconds since 1970; at first, when the counting began. */
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

  /** Counts from now on. */
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

  /** By the channels, which stand apart from the listeners of the app. */
  #follow<Name extends keyof MtlsEvents>(name: Name, count: (event: MtlsEvents[Name][0]) => void): void {
    const onMessage = (message: unknown): void => {
      const { mtls, event } = message as MtlsMessage<Name>;
      if (mtls === this.mtls) count(event);
    };
    subscribe(`express-mtls.${name}`, onMessage);
    this.#leave.push(() => unsubscribe(`express-mtls.${name}`, onMessage));
  }

  /** Counts no more. */
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

// What is there from the start lets Prometheus see the first of each kind as an increase.
function zeroes<Key>(keys: readonly Key[]): Map<Key, number> {
  return new Map(keys.map((key) => [key, 0]));
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
