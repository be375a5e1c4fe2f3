/**
 * The metrics in a register. All servers of a register share them, because prom-client accepts each name once.
 *
 * @module
 */
import {
  Counter,
  Gauge,
  Histogram,
  type Metric,
  type OpenMetricsContentType,
  type Registry,
} from 'prom-client';
import { MtlsError } from '../errors.js';
import {
  type Definition,
  definitions,
  type HistogramDefinition,
  histogramDefinitions,
} from './definitions.js';
import { type ServerFigures } from './server-figures.js';

type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

const known = new WeakMap<AnyRegistry, Map<string, Instruments>>();

/**
 * The metrics with this prefix, created on first use.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if the register has other metrics with these names.
 */
export function instrumentsOf(register: AnyRegistry, prefix: string): Instruments {
  const ofRegister = known.get(register) ?? new Map<string, Instruments>();
  known.set(register, ofRegister);
  const there = ofRegister.get(prefix);
  // register.clear() removes them.
  if (there?.isRegistered === true) return there;
  const made = new Instruments(register, prefix);
  ofRegister.set(prefix, made);
  return made;
}

/** The metrics of the servers of one register. Samples are taken at each scrape. */
export class Instruments {
  readonly #register: AnyRegistry;
  /** By registered name: an OpenMetrics register changes the name in the metric itself. */
  readonly #metrics = new Map<string, Metric>();
  readonly #reloadDuration: Histogram;
  readonly #certificateRemaining: Histogram;
  readonly #servers = new Map<string | undefined, ServerFigures>();

  constructor(register: AnyRegistry, prefix: string) {
    for (const { name } of [...definitions, ...Object.values(histogramDefinitions)])
      if (register.getSingleMetric(prefix + name) !== undefined) throw taken(prefix + name);
    this.#register = register;
    for (const definition of definitions)
      this.#metrics.set(prefix + definition.name, this.#make(definition, prefix));
    this.#reloadDuration = this.#makeHistogram(histogramDefinitions.reloadDuration, prefix);
    this.#certificateRemaining = this.#makeHistogram(histogramDefinitions.certificateRemaining, prefix);
  }

  /** Whether the register still has the metrics. */
  get isRegistered(): boolean {
    return [...this.#metrics].every(([name, metric]) => this.#register.getSingleMetric(name) === metric);
  }

  #make(definition: Definition, prefix: string): Metric {
    const { type, name, help, labels, aggregator = 'sum' } = definition;
    const servers = this.#servers;
    const configuration = {
      name: prefix + name,
      help,
      labelNames: ['server', ...labels],
      registers: [this.#register],
      aggregator,
    };
    if (type === 'counter') {
      return new Counter({
        ...configuration,
        collect() {
          this.reset();
          for (const [sample, value] of samplesOf(definition, servers)) this.inc(sample, value);
        },
      });
    }
    return new Gauge({
      ...configuration,
      collect() {
        this.reset();
        for (const [sample, value] of samplesOf(definition, servers)) this.set(sample, value);
      },
    });
  }

  #makeHistogram({ name, help, buckets }: HistogramDefinition, prefix: string): Histogram {
    const histogram = new Histogram({
      name: prefix + name,
      help,
      buckets: [...buckets],
      labelNames: ['server'],
      registers: [this.#register],
    });
    this.#metrics.set(prefix + name, histogram);
    return histogram;
  }

  /**
   * Adds a server.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if another server has the same label.
   */
  add(figures: ServerFigures): void {
    const { labels } = figures;
    if (this.#servers.has(labels.server)) throw duplicate(labels.server);
    this.#servers.set(labels.server, figures);
    for (const histogram of [this.#reloadDuration, this.#certificateRemaining]) histogram.zero(labels);
    figures.begin({
      reloadDuration: (seconds) => {
        this.#reloadDuration.observe(labels, seconds);
      },
      certificateRemaining: (seconds) => {
        this.#certificateRemaining.observe(labels, seconds);
      },
    });
  }

  /** Removes a server, and the metrics with the last one. */
  remove(figures: ServerFigures): void {
    const { labels } = figures;
    // After a second close(), another server may have the same label.
    if (this.#servers.get(labels.server) !== figures) return;
    this.#servers.delete(labels.server);
    for (const histogram of [this.#reloadDuration, this.#certificateRemaining]) histogram.remove(labels);
    if (this.#servers.size > 0) return;
    for (const [name, metric] of this.#metrics)
      if (this.#register.getSingleMetric(name) === metric) this.#register.removeSingleMetric(name);
  }
}

function samplesOf(
  { samples }: Definition,
  servers: ReadonlyMap<string | undefined, ServerFigures>,
): [labels: Record<string, string>, value: number][] {
  return [...servers.values()].flatMap((figures) =>
    samples(figures).map(([labels, value]): [Record<string, string>, number] => [
      { ...figures.labels, ...labels },
      value,
    ]),
  );
}

function taken(name: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `the register already has another metric "${name}"`,
    remedy: 'pass collectMetrics() another prefix or a separate register',
  });
}

function duplicate(server: string | undefined): MtlsError {
  const seen = server === undefined ? 'without a label' : `labelled ${JSON.stringify(server)}`;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `the register already has a server ${seen}`,
    remedy:
      "close() its metrics, or give each server its own label: collectMetrics(mtls, { server: 'public' })",
  });
}
