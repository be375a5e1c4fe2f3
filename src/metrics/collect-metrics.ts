/**
 * The way from a server's handle to metrics in a register.
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

/** What {@link collectMetrics} takes. */
export interface MetricsOptions {
  /**
   * Where the metrics are registered.
   * @defaultValue prom-client's global `register`
   */
  readonly register?: Registry | Registry<OpenMetricsContentType> | undefined;
  /**
   * What every name begins with: letters, digits and `_`.
   * @defaultValue `'mtls_'`
   */
  readonly prefix?: string | undefined;
  /**
   * The value of a label `server`, which tells the servers of one register apart.
   * @defaultValue no such label
   */
  readonly server?: string | undefined;
  /**
   * How many clients requests are counted for by name: the first that come. Those of the others are counted as
   * `other`, for every name is a time series.
   * @defaultValue `0`: requests are counted without names; an integer from 0 to 10_000
   */
  readonly requestsByClient?: number | undefined;
  /**
   * The clock, in milliseconds since 1970; for tests.
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
}

/** The metrics of one server. */
export interface MtlsMetrics extends Disposable {
  /** Counts the requests that pass it. Without it, no request is counted. */
  readonly countRequests: Middleware;
  /** Stops counting, and takes the server's metrics out of the register. */
  close(): void;
}

/**
 * Registers the metrics of a server, and counts from now on. What the handle can say itself, of its connections, CRLs
 * and certificates, is asked for whenever the metrics are.
 * @param mtls - `server.mtls`, or what `protect()` resolves to.
 * @param options - Where to, and under which names.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for an option that is wrong, for a register that has other metrics of
 *   these names, and for a second server without a `server` label of its own.
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
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(prefix)) throw invalid('prefix', prefix, "one like 'mtls_'");
  return prefix;
}

function labelsOf(server: string | undefined): { readonly server?: string } {
  if (server === undefined) return {};
  if (typeof server !== 'string' || server === '') throw invalid('server', server, 'a name for the server');
  return { server };
}
