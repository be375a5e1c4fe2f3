/**
 * Registers the metrics of a server.
 *
 * @module
 */
import { type OpenMetricsContentType, register as globalRegister, type Registry } from 'prom-client';
import { type Middleware } from '../express/request.js';
import { connectionOf } from '../gate/connection.js';
import { checkInteger, checkKeys, invalid } from '../option-checks.js';
import { type Mtls } from '../server/mtls.js';
import { instrumentsOf } from './instruments.js';
import { ServerFigures } from './server-figures.js';

/**
 * The options of {@link collectMetrics}.
 * @example
 * ```ts
 * const options: MetricsOptions = { server: 'api', requestsByClient: 50 };
 * ```
 */
export interface MetricsOptions {
  /**
   * Where the metrics are registered.
   * @defaultValue prom-client's global `register`
   */
  readonly register?: Registry | Registry<OpenMetricsContentType> | undefined;
  /**
   * The prefix of every metric name: letters, digits and `_`.
   * @defaultValue `'mtls_'`
   */
  readonly prefix?: string | undefined;
  /**
   * The value of a label `server`, which distinguishes several servers in one register.
   * @defaultValue no such label
   */
  readonly server?: string | undefined;
  /**
   * For how many clients requests are counted by name, in order of appearance. The requests of all other clients are
   * counted as `other`, because every name is a time series.
   * @defaultValue `0`: requests are counted without names; an integer from 0 to 10_000
   */
  readonly requestsByClient?: number | undefined;
  /**
   * The clock, in milliseconds since 1970; for tests.
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
}

/**
 * The metrics of one server.
 * @example
 * ```ts
 * const metrics = collectMetrics(server.mtls);
 * app.use(metrics.countRequests);
 * server.on('close', () => metrics.close());
 * ```
 */
export interface MtlsMetrics extends Disposable {
  /** Counts the requests that pass through it. Without this middleware, no requests are counted. */
  readonly countRequests: Middleware;
  /** Stops counting, and removes the metrics of the server from the register. */
  close(): void;
}

/**
 * Registers the metrics of a server and starts counting. Connections, CRLs and certificates are read from the handle
 * at each scrape.
 * @param mtls - `server.mtls`, or the result of `protect()`.
 * @param options - The register, and the names of the metrics.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for an invalid option, for a register that has other metrics with these
 *   names, and for a second server without a `server` label of its own.
 * @example
 * ```ts
 * import { collectMetrics } from 'express-mtls/metrics';
 * import { register } from 'prom-client';
 *
 * const metrics = collectMetrics(server.mtls, { requestsByClient: 100 });
 * app.use(metrics.countRequests);
 * app.get('/metrics', requireClient({ commonName: 'prometheus' }), async (_req, res) => {
 *   res.type(register.contentType).send(await register.metrics());
 * });
 * ```
 */
export function collectMetrics(mtls: Mtls, options: MetricsOptions = {}): MtlsMetrics {
  checkKeys(options, 'the options of collectMetrics()', optionNames);
  if (!isHandle(mtls))
    throw invalid('collectMetrics(mtls)', mtls, 'the handle: server.mtls, or what protect() resolves to');
  const { register = globalRegister, server, now = Date.now } = options;
  const mostClients = checkInteger(options.requestsByClient, 'requestsByClient', 0, 0, 10_000);
  const instruments = instrumentsOf(register, checkPrefix(options.prefix));
  const figures = new ServerFigures(mtls, { labels: labelsOf(server), mostClients, now });
  instruments.add(figures);
  const close = (): void => {
    figures.close();
    instruments.remove(figures);
  };
  return Object.freeze({
    countRequests: (req, _res, next) => {
      figures.countRequest(connectionOf(req)?.identity);
      next();
    },
    close,
    [Symbol.dispose]: close,
  } satisfies MtlsMetrics);
}

const optionNames = ['register', 'prefix', 'server', 'requestsByClient', 'now'];

function isHandle(value: unknown): value is Mtls {
  return typeof value === 'object' && value !== null && 'revocation' in value && 'on' in value;
}

function checkPrefix(prefix = 'mtls_'): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(prefix)) throw invalid('prefix', prefix, "a prefix such as 'mtls_'");
  return prefix;
}

function labelsOf(server: string | undefined): { readonly server?: string } {
  if (server === undefined) return {};
  if (typeof server !== 'string' || server === '') throw invalid('server', server, 'a name for the server');
  return { server };
}
