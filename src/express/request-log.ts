/**
 * One line for every request: who, from where, what, and how it went.
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

/** What {@link requestLog} takes. */
export interface RequestLogOptions {
  /**
   * Where the lines go.
   * @defaultValue pino to stdout
   */
  readonly logger?: Pick<Logger, 'info'> | undefined;
}

/**
 * Logs each request once it is answered, or its connection is gone: `remoteAddress`, `commonName`,
 * `serialNumber`, `method`, `url`, `status`, `durationMs`, and `aborted` where the answer did not get through.
 * @param options - Where the lines go; by default pino to stdout.
 */
export function requestLog(options?: RequestLogOptions): Middleware;
export function requestLog(...given: unknown[]): Middleware {
  refuseRequests('requestLog', given);
  const [{ logger } = {}] = given as [options?: RequestLogOptions];
  const log = logger === undefined ? pinoToStdout() : logTo(logger);
  return (req, res, next) => {
    const started = performance.now();
    const { url } = req;
    // Read now: when the answer is out, the connection may have been closed.
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

/** The query may hold secrets, and the path what steers a terminal. */
function pathOf(url: string | undefined): string {
  return url === undefined ? '-' : shorten(url.replace(/\?.*$/s, ''));
}

function logTo(logger: Pick<Logger, 'info'>): Logger['info'] {
  const info: (fields: object, message: string) => unknown = logger.info.bind(logger);
  return (fields, message) => {
    callApp('the logger of requestLog()', () => info(fields, message));
  };
}

/** pino is loaded when a log is made without a logger, and not before. */
function pinoToStdout(): Logger['info'] {
  const loading = import('pino').then(
    ({ pino }) => logTo(pino()),
    (error: unknown) => {
      warn('requestLog() writes nothing, for pino cannot be loaded; install it, or give a logger', error);
    },
  );
  return (fields, message) => {
    void loading.then((log) => {
      log?.(fields, message);
    });
  };
}
