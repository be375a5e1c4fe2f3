/**
 * The guard of an upgrade, such as a WebSocket handshake, for which no middleware runs.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { MtlsError } from '../errors.js';
import { type Connection, connectionOf } from '../gate/connection.js';
import { endWithProblem } from '../gate/problem.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type ClientRule } from '../policy/client-rule.js';
import { compileAdmission, refusalSince } from './admission.js';
import { withoutConnection } from './client-identity.js';
import { refuseRequests } from './uncalled.js';

/**
 * Decides whether a client may upgrade.
 * @param req - The request of the `'upgrade'` event.
 * @param socket - Its socket.
 * @returns The identity of the client, or `undefined` if there is nothing left to do, because the request was refused
 *   or the socket was closed.
 * @throws MtlsError `ERR_MTLS_SERVER_UNPROTECTED` on a server without the gate.
 */
export type UpgradeGuard = (req: IncomingMessage, socket: Duplex) => Promise<ClientIdentity | undefined>;

/**
 * Makes a guard for `'upgrade'` listeners, with the rules of `requireClient()`. A refused request is answered with
 * problem details (RFC 9457) and its socket is closed: 401 without an identity, 403 if the rule forbids it, and
 * otherwise the status of the refusal. The guard also handles the `'error'` events of the socket.
 * @param given - The rule. Omitted: every client with a certificate may upgrade. `undefined` is an error.
 * @returns The guard, to be called at each `'upgrade'`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, when the app starts, for a rule that is empty, misspelt or unanchored.
 * @example
 * ```ts
 * const guard = requireClientOnUpgrade({ organizationalUnit: 'sensors' });
 * server.on('upgrade', async (req, socket, head) => {
 *   const identity = await guard(req, socket);
 *   if (identity === undefined) return;
 *   chat.handleUpgrade(req, socket, head, (member) => member.send(`welcome ${identity.commonName}`));
 * });
 * ```
 */
export function requireClientOnUpgrade(...given: [rule?: ClientRule]): UpgradeGuard {
  refuseRequests('requireClientOnUpgrade', given);
  const refusalOf = compileAdmission(given);
  return async (req, socket) => {
    // node:http has released the socket, and nothing else listens for errors until the rule has answered.
    socket.on('error', ignore);
    try {
      if (req.httpVersionMajor >= 2) throw notHttp1();
      const connection = connectionOf(req);
      if (connection === undefined) throw withoutConnection(req);
      const refusal = refusalSince(connection, req) ?? (await refusalOf(connection.identity, req));
      if (socket.destroyed) return undefined;
      if (refusal === undefined) return connection.identity;
      turnAway(req, socket, connection, refusal);
      return undefined;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  };
}

function turnAway(req: IncomingMessage, socket: Duplex, connection: Connection, error: MtlsError): void {
  endWithProblem(socket, error, req.method, () => {
    const refusal = connection.check();
    if (refusal !== undefined) connection.evict(refusal);
    socket.destroy();
  });
}

function notHttp1(): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: 'HTTP/2 has no upgrade; its extended CONNECT is handled as a request',
    remedy: 'guard it with requireClient()',
  });
}

function ignore(): void {
  // 'close' follows, and nothing else can be done.
}
