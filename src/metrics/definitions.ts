/**
 * Every metric: its name, help text, labels and samples. A label only takes values that the configuration of the
 * server or this package has names for.
 *
 * @module
 */
import { type Aggregator } from 'prom-client';
import { listsOf } from './revocation-lists.js';
import { type ServerFigures } from './server-figures.js';

/** A value and its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric whose samples are taken at each scrape. */
export interface Definition {
  readonly type: 'counter' | 'gauge';
  /** The name without the prefix. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** How the values of a cluster's workers are combined. @defaultValue `'sum'` */
  readonly aggregator?: Aggregator;
  readonly samples: (figures: ServerFigures) => readonly Sample[];
}

/** A metric that records each value when it occurs. */
export interface HistogramDefinition {
  /** The name without the prefix. */
  readonly name: string;
  readonly help: string;
  /** The upper bounds. */
  readonly buckets: readonly number[];
}

/** The counters and the gauges. */
export const definitions: readonly Definition[] = [
  {
    type: 'counter',
    name: 'handshakes_total',
    help: 'Admitted clients with a certificate, and refused clients, by reason.',
    labels: ['outcome', 'reason'],
    samples: ({ admitted, refusals }) => [
      [{ outcome: 'admitted' }, admitted],
      ...Array.from(refusals, ([reason, value]): Sample => [{ outcome: 'refused', reason }, value]),
    ],
  },
  {
    type: 'counter',
    name: 'evictions_total',
    help: 'Open connections that were closed because their client is no longer admitted, by reason.',
    labels: ['reason'],
    samples: ({ evictions }) => Array.from(evictions, ([reason, value]) => [{ reason }, value]),
  },
  {
    type: 'counter',
    name: 'requests_total',
    help: 'Requests that passed countRequests, by client if requestsByClient is set.',
    labels: ['client'],
    samples: ({ requests }) =>
      Array.from(requests, ([client, value]) => [client === undefined ? {} : { client }, value]),
  },
  {
    type: 'counter',
    name: 'forbidden_requests_total',
    help: 'Requests of admitted clients that a rule forbade with 403.',
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
    help: 'Time until the nextUpdate of a CRL in force: negative after it, +Inf if the CRL has none.',
    labels: ['issuer', 'source'],
    aggregator: 'min',
    samples: (figures) => listsOf(figures).map(({ labels, remaining }) => [labels, remaining]),
  },
  {
    type: 'gauge',
    name: 'crl_unconfirmed_seconds',
    help: 'Time since a loader last confirmed a CRL in force: 0 for files.',
    labels: ['issuer', 'source'],
    aggregator: 'max',
    samples: (figures) => listsOf(figures).map(({ labels, unconfirmed }) => [labels, unconfirmed]),
  },
  {
    type: 'gauge',
    name: 'crl_entries',
    help: 'Number of entries in a CRL in force.',
    labels: ['issuer', 'source'],
    aggregator: 'max',
    samples: (figures) => listsOf(figures).map(({ labels, entries }) => [labels, entries]),
  },
  {
    type: 'gauge',
    name: 'crls_healthy',
    help: 'Whether every CRL in force is current: 1 or 0. 1 if no CRL is configured.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.revocation.healthy)]],
  },
  {
    type: 'gauge',
    name: 'uncovered_cas',
    help: 'CAs without a loaded CRL, if CRLs are configured.',
    labels: [],
    aggregator: 'max',
    samples: ({ mtls }) => [[{}, mtls.revocation.uncovered.length]],
  },
  {
    type: 'counter',
    name: 'reloads_total',
    help: 'Reloads that changed what is in force, and faults found by reloads, by code.',
    labels: ['outcome', 'code'],
    samples: ({ reloads, failedReloads }) => [
      [{ outcome: 'succeeded' }, reloads],
      ...Array.from(failedReloads, ([code, value]): Sample => [{ outcome: 'failed', code }, value]),
    ],
  },
  {
    type: 'gauge',
    name: 'last_reload_successful',
    help: 'Whether the sources had no fault when they were last read: 1 or 0.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.fault === undefined)]],
  },
  {
    type: 'gauge',
    name: 'source_faults',
    help: 'Sources with a fault. Their last-good copy is in force.',
    labels: [],
    aggregator: 'max',
    samples: ({ mtls }) => [[{}, mtls.faults.length]],
  },
  {
    type: 'gauge',
    name: 'healthy',
    help: 'Whether no source has a fault and no CRL is stale: 1 or 0.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.healthy)]],
  },
  {
    type: 'gauge',
    name: 'ready',
    help: 'Whether clients can be served, as reported by the probe: 1 or 0.',
    labels: [],
    aggregator: 'min',
    samples: ({ mtls }) => [[{}, Number(mtls.ready)]],
  },
  {
    type: 'gauge',
    name: 'last_reload_success_timestamp_seconds',
    help: 'Time of the last reload that changed what is in force, since 1970; before the first, the start of counting.',
    labels: [],
    aggregator: 'min',
    samples: ({ lastReload }) => [[{}, lastReload / 1000]],
  },
  {
    type: 'gauge',
    name: 'server_certificate_remaining_seconds',
    help: "Time until the notAfter of the server's own certificate and of the certificate of each name in sni.",
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
    help: 'Duration of reloads that changed what is in force, from reading the files to the last eviction.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  certificateRemaining: {
    name: 'client_certificate_remaining_seconds',
    help: 'Time until the notAfter of the certificate of an admitted client, at the handshake.',
    buckets: [1, 7, 14, 30, 90, 365].map((days) => days * day),
  },
};
