/**
 * Whether a client may go on: what the guards of routes and of upgrades have in common.
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

/** Says why a client may not go on; `undefined` where it may. A promise, where the rule answers later. */
export type Admission<Request extends IncomingMessage> = (
  identity: ClientIdentity | undefined,
  req: Request,
) => MtlsError | Promise<MtlsError | undefined> | undefined;

/**
 * Compiles what a guard was given: a rule, or nothing, where every client with a certificate may go on.
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

/** Asks a rule. Only `true` grants. */
function ask<Request extends IncomingMessage>(
  admits: ClientRuleFunction<Request>,
  identity: ClientIdentity,
  req: Request,
): ReturnType<Admission<Request>> {
  // Taken now: an HTTP/2 request whose session has ended has no connection any more.
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
    // The client may have been revoked while the rule was being asked.
    (settled) =>
      settled === true ? remember(req, refusalSince(connection, req)) : forbidden(req, admits, identity),
    (error: unknown) => ruleFailed(req, error),
  );
}

const admitted: unique symbol = Symbol('express-mtls.admitted');

/** A request, and whether the rule that was asked last has admitted it. */
interface JudgedRequest extends IncomingMessage {
  [admitted]?: boolean;
}

function remember(req: JudgedRequest, refusal: MtlsError | undefined): MtlsError | undefined {
  req[admitted] = refusal === undefined;
  return refusal;
}

// An app may answer a refusal by going on, and what a wider rule has admitted before is not for this client then.
function takeBack(req: JudgedRequest): void {
  req[admitted] = false;
}

/**
 * Whether a rule has admitted this request, and none after it has refused: for what must not be shown where nobody has
 * asked who is calling.
 */
export function isAdmittedByRule(req: JudgedRequest): boolean {
  return req[admitted] === true;
}

/** The refusal of a client that was let in once, judged again. */
export function refusalSince(connection: Connection | undefined, req: MtlsRequest): MtlsError | undefined {
  if (connection === undefined) return certificateRequired();
  const refusal = judgeRequest(req, connection);
  return refusal && refusalError(refusal);
}

/** The error of a caller without a certificate. */
export function certificateRequired(): MtlsError {
  return new MtlsError('ERR_MTLS_CERTIFICATE_REQUIRED', {
    seen: 'this route needs a client certificate, and the caller has none',
  });
}

// What the client is told names no rule and no certificate; the log says who it was, and what would have been wanted.
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
    seen: 'the rule of this route does not admit the client',
  });
}

function ruleFailed(req: IncomingMessage, error: unknown): MtlsError {
  takeBack(req);
  const { method } = req;
  const { reporter, identity, remoteAddress = '' } = connectionOf(req) ?? {};
  reporter?.emit('rule-failed', { identity, remoteAddress, error, method, url: abbreviateUrl(req) });
  return new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', {
    seen: 'the rule of this route does not admit the client',
  });
}

/** A URL may have 16 kB, and would bring them into the log at every request. */
export function abbreviateUrl({ url }: IncomingMessage): string | undefined {
  return url?.slice(0, 200);
}
