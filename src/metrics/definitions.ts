/**
 * Every metric: its name, what it says, its labels, and where its samples come from. No label takes more values than
 * the configuration of the server, or this package, has names for.
 *
 * @module
 */
import { type Aggregator } from 'prom-client';
import { listsOf } from './revocation-lists.js';
import { type ServerFigures } from './server-figures.js';

/** One value, and its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric whose samples are taken when they are asked for. */
export interface Definition {
  readonly type: 'counter' | 'gauge';
  /** Without the prefix. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What becomes of the values of a cluster's workers. @defaultValue `'sum'` */
  readonly aggregator?: Aggregator;
  readonly samples: (figures: ServerFigures) => readonly Sample[];
}

/** A metric that is told of each value as it comes. */
export interface HistogramDefinition {
  /** Without the prefix. */
  readonly name: string;
  readonly help: string;
  /** Upper bounds. */
  readonly buckets: readonly number[];
}

/** The counters and the gauges. */
export const definitions: readonly Definition[] = [
  {
    type: 'counter',
    name: 'handshakes_total',
    help: 'Clients with a certificate that were admitted, and callers that were refused, by reason.',
    labels: ['outcome', 'reason'],
    samples: ({ admitted, refusals }) => [
      [{ outcome: 'admitted' }, admitted],
      ...Array.from(refusals, ([reason, value]): Sample => [{ outcome: 'refused', reason }, value]),
    ],
  },
  {
    type: 'counter',
    name: 'evictions_total',
    help: 'Open connections that were ended because their client is no longer let in, by reason.',
    labels: ['reason'],
    samples: ({ evictions }) => Array.from(evictions, ([reason, value]) => [{ reason }, value]),
  },
  {
    type: 'counter',
    name: 'requests_total',
    help: 'Requests that countRequests has seen, by client where that was asked for.',
    labels: ['client'],
    samples: ({ requests }) =>
      Array.from(requests, ([client, value]) => [client === undefined ? {} : { client }, value]),
  },
  {
    type: 'counter',
    name: 'forbidden_requests_total',
    help: 'Requests of admitted clients that a rule answered with 403.',
    labels: [],
    samples: ({ forbidden }) => [[{}, forbidden]],
  },
  {
    type: 'gauge',
    name: 'connections',
    help: 'Open connections of clients with a certificate.',
    labels: [],
    samples: ({ mtls }) => [[{}, [...mtls.connections].length]],
  },
  {
    type: 'gauge',
    name: 'crl_age_seconds',
    help: 'Time since the thisUpdate of a CRL in force.',
    labels: ['issuer', 'source'],
    aggregator: 'max',
    samples: (figures) => listsOf(figures).map(({ labels, age }) => [labels, age]),
  },
  {
    type: 'gauge',
    name: 'crl_remaining_seconds',
    help: 'Time until the nextUpdate of a CRL in force: negative after it, +Inf where the CRL names none.',
    labels: ['issuer', 'source'],
    aggregator: 'min',
    samples: (figures) => listsOf(figures).map(({ labels, remaining }) => [labels, remaining]),
  },
  {
    type: 'gauge',
    name: 'crl_entries',
    help: 'Certificates that a CRL in force lists.',
    labels: ['issuer', 'source'],
    aggregator: 'max',
    samples: (figures) => listsOf(figures).map(({ labels, entries }) => [labels, entries]),
  },
  {
    type: 'gauge',
    name: 'crls_healthy',
    help: 'Whether every CRL in force is in date: 1 or 0. 1 where no CRL is configured.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.revocation.healthy)]],
  },
  {
    type: 'gauge',
    name: 'uncovered_cas',
    help: 'CAs of which no CRL is loaded, though some are.',
    labels: [],
    aggregator: 'max',
    samples: ({ mtls }) => [[{}, mtls.revocation.uncovered.length]],
  },
  {
    type: 'counter',
    name: 'reloads_total',
    help: 'Reloads that put something new into force, and faults that were found, by code.',
    labels: ['outcome', 'code'],
    samples: ({ reloads, failedReloads }) => [
      [{ outcome: 'succeeded' }, reloads],
      ...Array.from(failedReloads, ([code, value]): Sample => [{ outcome: 'failed', code }, value]),
    ],
  },
  {
    type: 'gauge',
    name: 'last_reload_successful',
    help: 'Whether the sources were good when they were last read: 1 or 0.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.fault === undefined)]],
  },
  {
    type: 'gauge',
    name: 'source_faults',
    help: 'Sources that cannot be used now: what they gave before is in force.',
    labels: [],
    aggregator: 'max',
    samples: ({ mtls }) => [[{}, mtls.faults.length]],
  },
  {
    type: 'gauge',
    name: 'healthy',
    help: 'Whether no fault stands and no CRL is stale: 1 or 0.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.healthy)]],
  },
  {
    type: 'gauge',
    name: 'ready',
    help: 'Whether clients can be served, as the probe says: 1 or 0.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.ready)]],
  },
  {
    type: 'gauge',
    name: 'last_reload_success_timestamp_seconds',
    help: 'When a reload last put something new into force, since 1970; before the first, when the counting began.',
    labels: [],
    aggregator: 'min',
    samples: ({ lastReload }) => [[{}, lastReload / 1000]],
  },
  {
    type: 'gauge',
    name: 'server_certificate_remaining_seconds',
    help: "Time until the notAfter of the server's own certificate, and of that of each name of sni.",
    labels: ['servername'],
    aggregator: 'min',
    samples: ({ mtls, now }) =>
      mtls.certificates.map(({ servername, notAfter }) => [
        servername === undefined ? {} : { servername },
        (notAfter.getTime() - now()) / 1000,
      ]),
  },
];

const day = 86_400;

/** The histograms. */
export const histogramDefinitions: {
  readonly reloadDuration: HistogramDefinition;
  readonly certificateRemaining: HistogramDefinition;
} = {
  reloadDuration: {
    name: 'reload_duration_seconds',
    help: 'From the reading of the files to the last eviction, of reloads that put something new into force.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  certificateRemaining: {
    name: 'client_certificate_remaining_seconds',
    help: 'Time until the notAfter of the certificates of admitted clients, at each handshake.',
    buckets: [1, 7, 14, 30, 90, 365].map((days) => days * day),
  },
};
