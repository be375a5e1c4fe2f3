/**
 * The metrics of a register, which all servers of that register share: prom-client takes each name once.
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
 * The metrics with this prefix, made where there are none yet.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where the register has metrics of these names from elsewhere.
 */
export function instrumentsOf(register: AnyRegistry, prefix: string): Instruments {
  const ofRegister = known.get(register) ?? new Map<string, Instruments>();
  known.set(register, ofRegister);
  const there = ofRegister.get(prefix);
  // After register.clear() they are there no more.
  if (there?.isRegistered === true) return there;
  const made = new Instruments(register, prefix);
  ofRegister.set(prefix, made);
  return made;
}

/** Metrics of the servers of one register. Their samples are taken when they are asked for. */
export class Instruments {
  readonly #register: AnyRegistry;
  /** By the name they are registered under: a register for OpenMetrics writes another one into them. */
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

  /** Whether the register still has them. */
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
   * Takes a server in.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where another one has its label.
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

  /** Takes a server out, and with the last one the metrics. */
  remove(figures: ServerFigures): void {
    const { labels } = figures;
    // Closed twice, it must not take out another one that has come under its label since.
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
    seen: `the register has a metric "${name}" from elsewhere`,
    remedy: 'give collectMetrics() another prefix, or a register of its own',
  });
}

function duplicate(server: string | undefined): MtlsError {
  const seen = server === undefined ? 'without a label' : `labelled ${JSON.stringify(server)}`;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `the register has a server ${seen} already`,
    remedy:
      "close() its metrics, or give each server a name of its own: collectMetrics(mtls, { server: 'public' })",
  });
}
