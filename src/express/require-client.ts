/**
 * The guard of a route.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type ClientRule, type ClientRuleFunction, compileRule } from '../policy/client-rule.js';
import { accountOf, rememberGuard } from '../policy/rule-account.js';
import { type Connection, connectionOf } from '../tls/connection.js';
import { refusalError } from '../tls/refusal.js';
import { identifyRequest } from './client-identity.js';
import { type Middleware, type MtlsRequest } from './request.js';

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
  const admits = given.length === 0 ? undefined : compileRule(given[0] as ClientRule<Request>);
  if (admits !== undefined) rememberGuard(accountOf(admits));
  return (req, res, next) => {
    const identity = identifyRequest(req, res);
    if (identity instanceof MtlsError) next(identity);
    else if (identity === undefined) next(certificateRequired());
    else if (admits === undefined) next();
    else ask(admits, identity, req, next);
  };
}

/** Asks a rule. Only `true` grants; `next()` stands outside every `try`, so that a handler's error stays its own. */
function ask<Request extends IncomingMessage>(
  admits: ClientRuleFunction<Request>,
  identity: ClientIdentity,
  req: Request,
  next: (error?: unknown) => void,
): void {
  // Taken now: an HTTP/2 request whose session has ended has no connection any more.
  const connection = connectionOf(req);
  let verdict: unknown;
  try {
    verdict = admits(identity, req);
  } catch (error) {
    next(ruleFailed(req, error));
    return;
  }
  if (verdict === true) next();
  else if (typeof verdict === 'boolean') next(forbidden(req, admits, identity));
  else {
    Promise.resolve(verdict)
      .then(
        // The client may have been revoked while the rule was being asked.
        (settled) => (settled === true ? refusalSince(connection, req) : forbidden(req, admits, identity)),
        (error: unknown) => ruleFailed(req, error),
      )
      .then(next, next);
  }
}

function refusalSince(connection: Connection | undefined, req: MtlsRequest): MtlsError | undefined {
  if (connection === undefined) return certificateRequired();
  const refusal = connection.check();
  if (refusal === undefined) return undefined;
  delete req.clientIdentity;
  return refusalError(refusal);
}

function certificateRequired(): MtlsError {
  return new MtlsError(
    'ERR_MTLS_CERTIFICATE_REQUIRED',
    'this route needs a client certificate, and the caller has none',
  );
}

// What the client is told names no rule and no certificate; the log says who it was, and what would have been wanted.
function forbidden<Request extends IncomingMessage>(
  req: Request,
  admits: ClientRuleFunction<Request>,
  identity: ClientIdentity,
): MtlsError {
  const { text, findingOn } = accountOf(admits);
  const { refusedBy } = findingOn(identity);
  connectionOf(req)?.warn(
    { event: 'forbidden', method: req.method, url: abbreviateUrl(req), rule: text, refusedBy },
    'forbidden by the rule of the route',
  );
  return new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', 'the rule of this route does not admit the client');
}

function ruleFailed(req: IncomingMessage, error: unknown): MtlsError {
  connectionOf(req)?.warn(
    { event: 'rule-failed', err: error, method: req.method, url: abbreviateUrl(req) },
    'a rule threw, and the request was refused',
  );
  return new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', 'the rule of this route does not admit the client');
}

// A URL may have 16 kB, and would bring them into the log at every request.
function abbreviateUrl({ url }: IncomingMessage): string | undefined {
  return url?.slice(0, 200);
}
