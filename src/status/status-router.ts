/**
 * The status page and the readiness probe as a middleware. It routes by itself and does not load Express.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MtlsError } from '../errors.js';
import { compileAdmission, isAdmittedByRule } from '../express/admission.js';
import { identifyRequest } from '../express/client-identity.js';
import { type Middleware } from '../express/request.js';
import { connectionOf } from '../gate/connection.js';
import { answerProblem } from '../gate/problem.js';
import { checkChoice, checkKeys, invalid } from '../option-checks.js';
import { type ClientRule } from '../policy/client-rule.js';
import { type Mtls } from '../server/mtls.js';
import { prefersHtml } from './accept.js';
import { describeFleet, type ReadFleet } from './fleet.js';
import { History } from './history.js';
import { contentSecurityPolicy } from './page-style.js';
import { writePage } from './page.js';
import { createReport } from './report.js';

/**
 * The options of {@link statusRouter}.
 * @example
 * ```ts
 * const options: StatusOptions = { access: { organizationalUnit: 'operators' }, ready: 'open' };
 * app.use('/status', statusRouter(server.mtls, options));
 * ```
 */
export interface StatusOptions {
  /**
   * Who can see the page: a rule, as for `requireClient()`. `'anyone'` shows it to everyone, with or without a
   * certificate; use it only on a separate, private listener.
   * @defaultValue clients that the rule of a preceding `requireClient()` allows; without such a rule, no one
   * @example
   * ```ts
   * const options: StatusOptions = { access: { organizationalUnit: 'operators' }, ready: 'open' };
   * ```
   */
  readonly access?: ClientRule | 'anyone';
  /**
   * Who can call `/ready`. `'guarded'`: those who can see the page. `'open'`: everyone, for probes without a
   * certificate. The answer names nothing.
   * @defaultValue `'guarded'`
   */
  readonly ready?: 'guarded' | 'open';
  /**
   * Whether files are shown as `'names'`, or as `'paths'` with their directories.
   * @defaultValue `'names'`
   */
  readonly sources?: 'names' | 'paths';
  /**
   * Reads the processes that share a store, to show them on the page.
   * @defaultValue the page shows no fleet
   * @example
   * ```ts
   * const options: StatusOptions = { fleet: () => readFleet(store, { timeoutMs: 2000 }) };
   * ```
   */
  readonly fleet?: ReadFleet;
  /**
   * The clock, in milliseconds since 1970; for tests.
   * @defaultValue `Date.now`
   */
  readonly now?: () => number;
}

/**
 * A status page at `/` as JSON or HTML, and a readiness probe at `/ready`, relative to the mount path. Forbidden
 * requests are answered with 401 or 403 and problem details (RFC 9457). The history of refusals, evictions and
 * reloads starts with this call.
 * @param mtls - `server.mtls`, or the result of `protect()`.
 * @param options - Who can see the page, and what it shows.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a rule that is empty, misspelt or unanchored, and if `mtls` is not
 *   the handle of a server.
 * @example
 * ```ts
 * import { statusRouter } from 'express-mtls/status';
 *
 * app.use('/status', requireClient({ organizationalUnit: 'operators' }), statusRouter(server.mtls));
 * ```
 */
export function statusRouter(mtls: Mtls, options: StatusOptions = {}): Middleware {
  const { guard, ready, sources, now, fleet } = checkOptions(mtls, options);
  const history = new History(mtls, { now, sources });
  const answerPage: Answer = async (req, res) => {
    const described = fleet === undefined ? {} : { fleet: await describeFleet(fleet) };
    const report = { ...createReport(mtls, { history, sources, now: now() }), ...described };
    res.appendHeader('Vary', 'Accept');
    if (prefersHtml(req.headers.accept)) send(res, 'text/html; charset=utf-8', writePage(report));
    else send(res, 'application/json', `${JSON.stringify(report)}\n`);
  };
  const answerReady: Answer = (_req, res) => {
    const { ready: isReady } = mtls;
    res.statusCode = isReady ? 200 : 503;
    const answer = isReady ? { ready: true } : { ready: false, reason: 'every CRL is past its nextUpdate' };
    send(res, 'application/json', `${JSON.stringify(answer)}\n`);
  };
  const routes = new Map<string, { readonly answer: Answer; readonly guard: Guard }>([
    ['/', { answer: answerPage, guard }],
    ['/ready', { answer: answerReady, guard: ready === 'open' ? letPass : guard }],
  ]);
  return (req, res, next) => {
    const route = routes.get(pathOf(req));
    if (route === undefined) next();
    else respond(req, res, route);
  };
}

type Answer = (req: IncomingMessage, res: ServerResponse) => Promise<void> | void;

/** Why a request is forbidden; `undefined` if it is allowed. */
type Guard = (
  req: IncomingMessage,
  res: ServerResponse,
) => MtlsError | Promise<MtlsError | undefined> | undefined;

function respond(
  req: IncomingMessage,
  res: ServerResponse,
  { answer, guard }: { readonly answer: Answer; readonly guard: Guard },
): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.statusCode = 405;
    res.setHeader('Allow', 'GET, HEAD');
    res.end();
    return;
  }
  const settle = (refusal: MtlsError | undefined): void => {
    if (refusal === undefined) void Promise.resolve(answer(req, res)).catch(() => res.destroy());
    else answerProblem(res, refusal);
  };
  const refusal = guard(req, res);
  if (refusal === undefined || refusal instanceof MtlsError) settle(refusal);
  else refusal.then(settle).catch(() => res.destroy());
}

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

// node:http omits the body of an answer to HEAD.
function send(res: ServerResponse, type: string, body: string): void {
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

/** The path below the mount path, without a trailing slash. Requests through a proxy can have an absolute URL. */
function pathOf({ url = '/' }: IncomingMessage): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path || '/';
}

function checkOptions(
  mtls: unknown,
  options: unknown,
): Required<Pick<StatusOptions, 'ready' | 'sources' | 'now'>> & {
  readonly guard: Guard;
  readonly fleet: ReadFleet | undefined;
} {
  if (typeof (mtls as Partial<Mtls> | null | undefined)?.reload !== 'function') {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the first argument of statusRouter() is not the handle of a server',
      remedy: 'pass server.mtls, which exists once createServer() has resolved',
    });
  }
  checkKeys(options, 'the options of statusRouter()', ['access', 'ready', 'sources', 'fleet', 'now']);
  const { access, ready, sources, fleet, now = Date.now } = options as Partial<StatusOptions>;
  if (Object.hasOwn(options as object, 'access') && access === undefined) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'access is undefined',
      remedy:
        "set it to a rule such as { organizationalUnit: 'operators' }, or omit it behind requireClient()",
    });
  }
  if (typeof now !== 'function') throw invalid('now', now, 'a function');
  if (fleet !== undefined && typeof fleet !== 'function') throw invalid('fleet', fleet, 'a function');
  return {
    guard: access === undefined ? guardedBefore : access === 'anyone' ? letPass : guardBy(access),
    ready: checkChoice(ready, 'ready', ['guarded', 'open']),
    sources: checkChoice(sources, 'sources', ['names', 'paths']),
    now,
    fleet,
  };
}

function guardBy(rule: ClientRule): Guard {
  const refusalOf = compileAdmission([rule]);
  return (req, res) => {
    const identity = identifyRequest(req, res);
    return identity instanceof MtlsError ? identity : refusalOf(identity, req);
  };
}

/** Without a rule that allowed the request, the page was mounted unguarded by mistake and is not shown. */
function guardedBefore(req: IncomingMessage, res: ServerResponse): MtlsError | undefined {
  const identity = identifyRequest(req, res);
  if (identity instanceof MtlsError) return identity;
  if (identity === undefined) {
    return new MtlsError('ERR_MTLS_CERTIFICATE_REQUIRED', {
      seen: 'the status page needs a client certificate',
    });
  }
  if (isAdmittedByRule(req)) return undefined;
  const { reporter, remoteAddress = '' } = connectionOf(req) ?? {};
  reporter?.emit('status-unguarded', { identity, remoteAddress });
  return new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', { seen: 'no rule guards the status page' });
}

function letPass(): undefined {
  return undefined;
}
