/**
 * One log line for each request: the client, its address, the request and the outcome.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { connectionOf, remoteAddressOf } from '../gate/connection.js';
import { type Logger } from '../logger.js';
import { callApp, warn } from '../server/app-call.js';
import { shorten } from '../x509/string.js';
import { type Middleware } from './request.js';
import { refuseRequests } from './uncalled.js';

/**
 * The options of {@link requestLog}.
 * @example
 * ```ts
 * const options: RequestLogOptions = { logger: developmentLogger() };
 * ```
 */
export interface RequestLogOptions {
  /**
   * The logger for the lines.
   * @defaultValue pino to stdout
   */
  readonly logger?: Pick<Logger, 'info'> | undefined;
}

/**
 * Logs each request when it was answered or its connection was closed: `remoteAddress`, `commonName`, `serialNumber`,
 * `method`, `url`, `status`, `durationMs`, and `aborted` if the answer was not sent completely.
 * @param options - The logger; by default pino to stdout.
 * @example
 * ```ts
 * app.use(requestLog({ logger: pino() }));
 * ```
 */
export function requestLog(options?: RequestLogOptions): Middleware;
export function requestLog(...given: unknown[]): Middleware {
  refuseRequests('requestLog', given);
  const [{ logger } = {}] = given as [options?: RequestLogOptions];
  const log = logger === undefined ? pinoToStdout() : logTo(logger);
  return (req, res, next) => {
    const started = performance.now();
    const { url } = req;
    // Read now, because the connection may be closed once the request is answered.
    const connection = connectionOf(req);
    const remoteAddress = connection?.remoteAddress ?? remoteAddressOf(req.socket);
    const identity = connection?.identity;
    res.once('close', () => {
      const fields = {
        event: 'request',
        remoteAddress,
        commonName: identity?.commonName,
        serialNumber: identity?.serialNumber,
        method: req.method,
        url,
        status: res.statusCode,
        durationMs: Math.round((performance.now() - started) * 10) / 10,
        ...(res.writableFinished ? {} : { aborted: true }),
      };
      log(fields, `${nameOf(identity?.commonName)} ${nameOf(req.method)} ${pathOf(url)} ${res.statusCode}`);
    });
    next();
  };
}

function nameOf(value: IncomingMessage['method']): string {
  return value ?? '-';
}

/** The query may hold secrets, and the path may hold terminal control characters. */
function pathOf(url: string | undefined): string {
  return url === undefined ? '-' : shorten(url.replace(/\?.*$/s, ''));
}

function logTo(logger: Pick<Logger, 'info'>): Logger['info'] {
  const info: (fields: object, message: string) => unknown = logger.info.bind(logger);
  return (fields, message) => {
    callApp('the logger of requestLog()', () => info(fields, message));
  };
}

/** Loads pino only if no logger is given. */
function pinoToStdout(): Logger['info'] {
  const loading = import('pino').then(
    ({ pino }) => logTo(pino()),
    (error: unknown) => {
      warn('requestLog() writes nothing, because pino cannot be loaded; install it, or pass a logger', error);
    },
  );
  return (fields, message) => {
    void loading.then((log) => {
      log?.(fields, message);
    });
  };
}
