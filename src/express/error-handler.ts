/**
 * The answer to a refused request.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { answerProblem } from '../gate/problem.js';
import { reportFault } from './report-fault.js';
import { type ErrorMiddleware } from './request.js';
import { refuseRequests } from './uncalled.js';

/**
 * Answers the errors of this package with problem details (RFC 9457): status, title and code, without any data of the
 * certificate. Other errors go to the next error handler, and so do errors after the answer has begun.
 *
 * An error with status 500 is a fault of the server. Its message is reported once for each server: to the `logger` of
 * `createServer()`, or as a process warning if there is no logger.
 * @example
 * ```ts
 * app.use('/orders', requireClient({ organizationalUnit: 'sales' }));
 * app.use(mtlsErrorHandler());
 * ```
 */
export function mtlsErrorHandler(): ErrorMiddleware;
export function mtlsErrorHandler(...given: unknown[]): ErrorMiddleware {
  refuseRequests('mtlsErrorHandler', given);
  return (error, req, res, next) => {
    if (!(error instanceof MtlsError) || res.headersSent) {
      next(error);
      return;
    }
    if (error.status === 500) reportFault(req, error);
    answerProblem(res, error);
  };
}
