/**
 * The answer to a refused request.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http';
import { MtlsError } from '../errors.js';
import { type ErrorMiddleware } from './request.js';

/**
 * Answers the errors of this package as problem details (RFC 9457): status, title and code, and nothing of the
 * certificate. Other errors, and those that come when the answer has begun, go on to the next error handler.
 */
export function mtlsErrorHandler(): ErrorMiddleware {
  return (error, _req, res, next) => {
    if (!(error instanceof MtlsError) || res.headersSent) {
      next(error);
      return;
    }
    const { status, code } = error;
    const problem = { type: 'about:blank', title: STATUS_CODES[status], status, code };
    res.statusCode = status;
    res.setHeader('Content-Type', 'application/problem+json');
    res.setHeader('Cache-Control', 'no-store');
    res.end(`${JSON.stringify(problem)}\n`);
  };
}
