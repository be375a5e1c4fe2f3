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
 * Answers the errors of this package as problem details (RFC 9457): status, title and code, and nothing of the
 * certificate. Other errors, and those that come when the answer has begun, go on to the next error handler.
 *
 * An error with status 500 is a fault of the server's own. Its message is reported once for each server: on the
 * `logger` of `createServer()`, or as a warning of the process where there is none.
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
