/**
 * The answer to a refused request.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { answerProblem } from '../gate/problem.js';
import { type ErrorMiddleware } from './request.js';

/**
 * Answers the errors of this package as problem details (RFC 9457): status, title and code, and nothing of the
 * certificate. Other errors, and those that come when the answer has begun, go on to the next error handler.
 */
export function mtlsErrorHandler(): ErrorMiddleware {
  return (error, _req, res, next) => {
    if (!(error instanceof MtlsError) || res.headersSent) next(error);
    else answerProblem(res, error);
  };
}
