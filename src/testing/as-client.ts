/**
 * An app as one client sees it, without TLS.
 *
 * @module
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { MtlsError } from '../errors.js';
import { reportFault } from '../express/report-fault.js';
import { type Connection, connectionOf, judgeRequest, setConnection } from '../gate/connection.js';
import { answerProblem } from '../gate/problem.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { checkChoice, checkKeys, invalid } from '../option-checks.js';
import { warn } from '../server/app-call.js';
import { isGuarded } from '../server/protectable.js';
import { currentState, isTestRun } from './test-run.js';

/**
 * The options of {@link asClient}.
 * @example
 * ```ts
 * // In a test runner that is not detected:
 * const listener = asClient(app, client1, { outsideTests: 'allow' });
 * ```
 */
export interface AsClientOptions {
  /**
   * Whether it also works if no test runner is detected. Those that are detected are jest, vitest, mocha and
   * `node --test`; `NODE_ENV` has no effect. `'allow'` admits every caller on this machine as the given client: never
   * use it in a program that serves others.
   * @defaultValue `'refuse'`
   */
  readonly outsideTests?: 'refuse' | 'allow';
}

/**
 * Wraps an app so that every request has the given client, for tests without TLS: `clientIdentity()`, `requireClient()`,
 * `clientOf()` and `identify()` work as behind `createServer()`.
 *
 * Requests are answered with 500 if they come through a server that has TLS or the gate, or from another machine.
 * Handshakes, revocation and upgrades are not covered: test these over real TLS, with `express-mtls/dev-ca`.
 * @param app - An Express app, or any `(req, res)` function.
 * @param identity - The client, as {@link testIdentity} returns it; `undefined` for a caller without a certificate.
 * @param options - Whether it works outside of tests.
 * @returns A listener for supertest, or for `http.createServer()` on the loopback interface.
 * @throws MtlsError `ERR_MTLS_STATE_INVALID` outside of tests, `ERR_MTLS_OPTION_INVALID` for anything but an identity.
 * @example
 * ```ts
 * import { asClient, testIdentity } from 'express-mtls/testing';
 *
 * const client1 = testIdentity({ commonName: 'client1', organizationalUnit: 'operators' });
 * await request(asClient(app, client1)).get('/admin').expect(200);
 * await request(asClient(app, undefined)).get('/admin').expect(401);
 * ```
 */
export function asClient(
  app: RequestListener,
  identity: ClientIdentity | undefined,
  options: AsClientOptions = {},
): RequestListener {
  checkKeys(options, 'the options of asClient()', ['outsideTests']);
  const outsideTests = checkChoice(options.outsideTests, 'outsideTests', ['refuse', 'allow']);
  if (typeof app !== 'function') throw invalid('asClient(app)', app, 'an app: a function of (req, res)');
  if (identity !== undefined && !isIdentity(identity))
    throw invalid('asClient(app, identity)', identity, 'what testIdentity() returns, or undefined');
  if (outsideTests === 'refuse' && !isTestRun(currentState())) throw notInTests();
  return function (this: unknown, req, res): void {
    const fault = faultOf(this, req);
    if (fault === undefined) serve(app, identity, req, res);
    else {
      reportFault(req, fault);
      answerProblem(res, fault);
    }
  };
}

function isIdentity(value: unknown): value is ClientIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { raw, subject, thumbprint } = value as Partial<Record<keyof ClientIdentity, unknown>>;
  return raw instanceof Uint8Array && typeof subject === 'object' && typeof thumbprint === 'string';
}

function notInTests(): MtlsError {
  return new MtlsError('ERR_MTLS_STATE_INVALID', {
    seen: 'asClient() is for tests, and no test runner was detected',
    remedy: "in a runner other than jest, vitest, mocha and node --test, pass { outsideTests: 'allow' }",
  });
}

const loopback = /^(?:::ffff:)?127\.|^::1$/;

/** Why a request must not get an identity without authentication. */
function faultOf(server: unknown, req: IncomingMessage): MtlsError | undefined {
  const { socket } = req;
  if (connectionOf(req) !== undefined || isGuarded(server) || 'getPeerCertificate' in socket)
    return new MtlsError('ERR_MTLS_STATE_INVALID', {
      seen: 'a request for asClient() came through a server that has TLS or the gate',
      remedy: 'pass the app itself to createServer()',
    });
  if (loopback.test(socket.remoteAddress ?? '')) return undefined;
  return new MtlsError('ERR_MTLS_STATE_INVALID', {
    seen: 'a request for asClient() came from another machine, or through a Unix socket',
    remedy: 'let the server of the test listen on 127.0.0.1',
  });
}

function serve(
  app: RequestListener,
  identity: ClientIdentity | undefined,
  req: IncomingMessage,
  res: ServerResponse & { req: IncomingMessage },
): void {
  const connection = connectionFor(identity, req);
  setConnection(req, connection);
  judgeRequest(req, connection);
  app(req, res);
}

function connectionFor(identity: ClientIdentity | undefined, req: IncomingMessage): Connection {
  return Object.freeze({
    identity,
    remoteAddress: '127.0.0.1',
    since: new Date(),
    check: () => undefined,
    recall: () => undefined,
    isNamed: false,
    serves: () => true,
    evict: () => req.socket.destroy(),
    intermediates: Object.freeze([]),
    isForwarded: identity?.source === 'proxy',
    mayForward: false,
    reporter: { emit: reportError },
  } satisfies Connection);
}

/** Shows the errors among the events of requests. */
const reportError: Connection['reporter']['emit'] = (name, ...[event]) => {
  if ('error' in event) warn(`${name}, in a test`, event.error);
};
