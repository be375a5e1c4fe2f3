/**
 * The guard of a route.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { type ClientRule } from '../policy/client-rule.js';
import { compileAdmission } from './admission.js';
import { identifyRequest } from './client-identity.js';
import { type Middleware } from './request.js';
import { refuseRequests } from './uncalled.js';

/**
 * Lets a request pass only with an identity, and only where the rule admits it. Works alone: `clientIdentity()`
 * need not have run.
 * @param given - The rule. Left out, every client with a certificate passes; given as `undefined`, it is a mistake.
 * @returns A middleware that passes `ERR_MTLS_CERTIFICATE_REQUIRED` (401) or `ERR_MTLS_CLIENT_FORBIDDEN` (403) on.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, when the app starts, for a rule that is empty, misspelt or unanchored.
 */
export function requireClient<Request extends IncomingMessage = IncomingMessage>(
  ...given: [rule?: ClientRule<Request>]
): Middleware<Request> {
  refuseRequests('requireClient', given);
  const refusalOf = compileAdmission(given);
  return (req, res, next) => {
    const identity = identifyRequest(req, res);
    const refusal = identity instanceof MtlsError ? identity : refusalOf(identity, req);
    // next() stands outside every `try`, so that a handler's error stays its own.
    if (refusal === undefined) next();
    else if (refusal instanceof MtlsError) next(refusal);
    else refusal.then(next, next);
  };
}
