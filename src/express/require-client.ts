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
 * Requires a client certificate, and an identity that the rule allows. It works without `clientIdentity()`.
 * @param given - The rule. Omitted: every client with a certificate passes. `undefined` is an error.
 * @returns A middleware that passes `ERR_MTLS_CERTIFICATE_REQUIRED` (401) or `ERR_MTLS_CLIENT_FORBIDDEN` (403) to
 *   `next()`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, when the app starts, for a rule that is empty, misspelt or unanchored.
 * @example
 * ```ts
 * app.get('/', requireClient(), (req, res) => res.send(`hello ${clientOf(req).commonName}`));
 * app.use('/admin', requireClient({ commonName: ['alice', 'bob'], organizationalUnit: 'operators' }));
 * ```
 */
export function requireClient<Request extends IncomingMessage = IncomingMessage>(
  ...given: [rule?: ClientRule<Request>]
): Middleware<Request> {
  refuseRequests('requireClient', given);
  const refusalOf = compileAdmission(given);
  return (req, res, next) => {
    const identity = identifyRequest(req, res);
    const refusal = identity instanceof MtlsError ? identity : refusalOf(identity, req);
    // next() is called outside every `try`, so that errors of later handlers are not caught here.
    if (refusal === undefined) next();
    else if (refusal instanceof MtlsError) next(refusal);
    else refusal.then(next, next);
  };
}
