/**
 * Requires that the access token of a request is bound to the certificate of its client (RFC 8705 section 3).
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MtlsError } from '../errors.js';
import { identifyRequest } from '../express/client-identity.js';
import { type Middleware } from '../express/request.js';
import { refuseRequests } from '../express/uncalled.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { checkChoice, checkKeys, invalid } from '../option-checks.js';

/**
 * The options of {@link requireBoundToken}.
 * @example
 * ```ts
 * const options: BoundTokenOptions = { unbound: 'allow' };
 * ```
 */
export interface BoundTokenOptions<Request extends IncomingMessage = IncomingMessage> {
  /**
   * Finds the claims of the access token, which an earlier middleware has verified: signature, issuer, audience and
   * dates are not checked here. `undefined` means that the request has no token.
   * @defaultValue `req.auth.payload`, where express-oauth2-jwt-bearer puts them
   * @example
   * ```ts
   * app.use(requireBoundToken({ claims: (req) => (req as { user?: object }).user }));
   * ```
   */
  readonly claims?: (req: Request) => unknown;
  /**
   * What happens to a token without the claim `cnf`, which anyone who has it can use. `'allow'` lets it pass, with any
   * certificate or none.
   * @defaultValue `'refuse'`
   */
  readonly unbound?: 'refuse' | 'allow';
}

/**
 * Makes a middleware that lets a request pass only if the claim `cnf["x5t#S256"]` of its access token is the thumbprint
 * of the client's certificate, direct or forwarded by a proxy. A stolen token is useless without the private key of
 * that certificate. It has to follow the middleware that verifies the token.
 *
 * Refused requests have the header `WWW-Authenticate` (RFC 6750 section 3): `Bearer error="invalid_token"`, and without
 * a token `Bearer`.
 * @param options - Where the claims are, and what happens to unbound tokens.
 * @returns A middleware that passes `ERR_MTLS_TOKEN_REQUIRED` or `ERR_MTLS_TOKEN_INVALID` (401) to `next()`, and the
 *   errors of `clientIdentity()`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for an invalid option.
 * @example
 * ```ts
 * import { requireBoundToken } from 'express-mtls/oauth';
 *
 * app.use('/orders', auth({ issuerBaseURL: 'https://issuer.example', audience: 'https://api.example' }), requireBoundToken());
 * ```
 */
export function requireBoundToken<Request extends IncomingMessage = IncomingMessage>(
  options?: BoundTokenOptions<Request>,
): Middleware<Request>;
export function requireBoundToken<Request extends IncomingMessage>(...given: unknown[]): Middleware<Request> {
  refuseRequests('requireBoundToken', given);
  const { claims, unbound } = checkBoundTokenOptions<Request>(given[0] ?? {});
  return (req, res, next) => {
    const error = refusalOf(req, res, { claims, unbound });
    // next() is called outside every `try`, so that errors of later handlers are not caught here.
    if (error === undefined) next();
    else next(error);
  };
}

function checkBoundTokenOptions<Request extends IncomingMessage>(
  options: BoundTokenOptions<Request>,
): Required<BoundTokenOptions<Request>> {
  checkKeys(options, 'the options of requireBoundToken()', ['claims', 'unbound']);
  const { claims = payloadOf } = options;
  if (typeof claims !== 'function') throw invalid('claims', claims, 'a function of the request');
  return { claims, unbound: checkChoice(options.unbound, 'unbound', ['refuse', 'allow']) };
}

function payloadOf(req: IncomingMessage): unknown {
  return (req as { readonly auth?: { readonly payload?: unknown } | null }).auth?.payload;
}

function refusalOf<Request extends IncomingMessage>(
  req: Request,
  res: ServerResponse,
  { claims, unbound }: Required<BoundTokenOptions<Request>>,
): unknown {
  const identity = identifyRequest(req, res);
  if (identity instanceof MtlsError) return identity;
  let found: unknown;
  try {
    found = claims(req);
  } catch (error) {
    return error;
  }
  if (found === undefined || found === null) return challenge(res, tokenRequired(), 'Bearer');
  const why = faultOf(found, identity, unbound);
  return why && challenge(res, why, 'Bearer error="invalid_token"');
}

/** 32 octets in base64url without padding (RFC 8705 section 3.1). */
const thumbprintForm = /^[A-Za-z0-9_-]{43}$/;

function faultOf(
  claims: unknown,
  identity: ClientIdentity | undefined,
  unbound: 'refuse' | 'allow',
): MtlsError | undefined {
  // A promise has no `cnf` and would pass for an unbound token.
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims) || 'then' in claims)
    return tokenInvalid('the claims of the access token are not an object');
  const { cnf } = claims as { readonly cnf?: unknown };
  if (cnf === undefined)
    return unbound === 'allow' ? undefined : tokenInvalid('the access token is bound to no certificate');
  const bound: unknown =
    typeof cnf === 'object' && cnf !== null ? (cnf as Record<string, unknown>)['x5t#S256'] : undefined;
  // With another confirmation, such as a key of DPoP, the token is not ours to accept.
  if (typeof bound !== 'string' || !thumbprintForm.test(bound))
    return tokenInvalid('the claim cnf of the access token has no thumbprint of a certificate');
  if (identity === undefined)
    return tokenInvalid('the access token is bound, and the caller has no certificate');
  if (bound === identity.thumbprint) return undefined;
  return tokenInvalid('the access token is bound to another certificate');
}

function tokenRequired(): MtlsError {
  return new MtlsError('ERR_MTLS_TOKEN_REQUIRED', {
    seen: 'this route needs an access token, and the request has none',
  });
}

function tokenInvalid(seen: string): MtlsError {
  return new MtlsError('ERR_MTLS_TOKEN_INVALID', { seen });
}

/** Sets the header on the response, and on the error: Express removes those of the response before its own answer. */
function challenge(res: ServerResponse, error: MtlsError, value: string): MtlsError {
  res.setHeader('WWW-Authenticate', value);
  return Object.assign(error, { headers: { 'WWW-Authenticate': value } });
}
