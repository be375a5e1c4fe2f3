/**
 * Asks a rule whether a request is allowed. The guards of routes and of upgrades share this module.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { type Connection, connectionOf, judgeRequest } from '../gate/connection.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { refusalError } from '../judgement/refusal.js';
import { type ClientRule, type ClientRuleFunction, compileRule } from '../policy/client-rule.js';
import { accountOf, rememberGuard } from '../policy/rule-account.js';
import { type MtlsRequest } from './request.js';

/** Returns why a request is forbidden, or `undefined` if it is allowed; a promise if the rule is asynchronous. */
export type Admission<Request extends IncomingMessage> = (
  identity: ClientIdentity | undefined,
  req: Request,
) => MtlsError | Promise<MtlsError | undefined> | undefined;

/**
 * Compiles the arguments of a guard: a rule, or nothing, which allows every client with a certificate.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a rule that is empty, misspelt, unanchored or `undefined`.
 */
export function compileAdmission<Request extends IncomingMessage>(
  given: readonly [rule?: ClientRule<Request>],
): Admission<Request> {
  if (given.length === 0) return (identity) => (identity === undefined ? certificateRequired() : undefined);
  const admits = compileRule(given[0] as ClientRule<Request>);
  rememberGuard(accountOf(admits));
  return (identity, req) => (identity === undefined ? certificateRequired() : ask(admits, identity, req));
}

/** Asks a rule. Only `true` allows the request. */
function ask<Request extends IncomingMessage>(
  admits: ClientRuleFunction<Request>,
  identity: ClientIdentity,
  req: Request,
): ReturnType<Admission<Request>> {
  // Read now, because an HTTP/2 request has no connection after its session has ended.
  const connection = connectionOf(req);
  let verdict: unknown;
  try {
    verdict = admits(identity, req);
  } catch (error) {
    return ruleFailed(req, error);
  }
  if (verdict === true) return remember(req, undefined);
  if (typeof verdict === 'boolean') return forbidden(req, admits, identity);
  return Promise.resolve(verdict).then(
    // The client may have been revoked while the rule was pending.
    (settled) =>
      settled === true ? remember(req, refusalSince(connection, req)) : forbidden(req, admits, identity),
    (error: unknown) => ruleFailed(req, error),
  );
}

/** A registered symbol, so that the status page recognises a guard of another copy of this package. */
const admitted: unique symbol = Symbol.for('express-mtls.admitted.1');

/** A request, and whether the last rule that was asked allowed it. */
interface JudgedRequest extends IncomingMessage {
  [admitted]?: boolean;
}

function remember(req: JudgedRequest, refusal: MtlsError | undefined): MtlsError | undefined {
  req[admitted] = refusal === undefined;
  return refusal;
}

// An error handler may continue with the request. An earlier, wider rule no longer counts then.
function takeBack(req: JudgedRequest): void {
  req[admitted] = false;
}

/** Whether a rule has allowed this request and no later rule has forbidden it. The status page requires this. */
export function isAdmittedByRule(req: JudgedRequest): boolean {
  return req[admitted] === true;
}

/** Judges an admitted client again and returns the refusal, if there is one. */
export function refusalSince(connection: Connection | undefined, req: MtlsRequest): MtlsError | undefined {
  if (connection === undefined) return certificateRequired();
  const refusal = judgeRequest(req, connection);
  return refusal && refusalError(refusal);
}

/** The error for a caller without a certificate. */
export function certificateRequired(): MtlsError {
  return new MtlsError('ERR_MTLS_CERTIFICATE_REQUIRED', {
    seen: 'this route needs a client certificate, and the caller has none',
  });
}

// The answer names neither the rule nor the certificate. The log has both.
function forbidden<Request extends IncomingMessage>(
  req: Request,
  admits: ClientRuleFunction<Request>,
  identity: ClientIdentity,
): MtlsError {
  takeBack(req);
  const { text, findingOn } = accountOf(admits);
  const { refusedBy } = findingOn(identity);
  const { method } = req;
  const { reporter, remoteAddress = '' } = connectionOf(req) ?? {};
  reporter?.emit('forbidden', {
    identity,
    remoteAddress,
    method,
    url: abbreviateUrl(req),
    rule: text,
    refusedBy,
  });
  return new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', {
    seen: 'the rule of this route forbids the request',
  });
}

function ruleFailed(req: IncomingMessage, error: unknown): MtlsError {
  takeBack(req);
  const { method } = req;
  const { reporter, identity, remoteAddress = '' } = connectionOf(req) ?? {};
  reporter?.emit('rule-failed', { identity, remoteAddress, error, method, url: abbreviateUrl(req) });
  return new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', {
    seen: 'the rule of this route forbids the request',
  });
}

/**
 * Shortens the URL of a request, which may have 16 kB, for the log. Express removes the path of a router from `url`, and
 * keeps the whole in `originalUrl`.
 */
export function abbreviateUrl({
  url,
  originalUrl = url,
}: IncomingMessage & { readonly originalUrl?: string | undefined }): string | undefined {
  return originalUrl?.slice(0, 200);
}
