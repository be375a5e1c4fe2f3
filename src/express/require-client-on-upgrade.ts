/**
 * The guard of an upgrade: a WebSocket's handshake passes no middleware.
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
 * Asks whether a client may upgrade.
 * @param req - The request of the event.
 * @param socket - Its socket.
 * @returns Who is calling, or `undefined` where there is nothing left to do: the client was turned away, or has gone.
 * @throws MtlsError `ERR_MTLS_SERVER_UNPROTECTED` on a server without the gate.
 */
export type UpgradeGuard = (req: IncomingMessage, socket: Duplex) => Promise<ClientIdentity | undefined>;

/**
 * Decides who may upgrade, for listeners of `'upgrade'`, by the rules of `requireClient()`. Whoever may not is
 * answered 401 without an identity, 403 where the rule does not admit it, and else with the status of its refusal,
 * as problem details (RFC 9457); then its socket ends. From here on a socket that fails ends nothing but itself.
 * @param given - The rule. Left out, every client with a certificate may upgrade; given as `undefined`, it is a mistake.
 * @returns What to ask at each `'upgrade'`.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, when the app starts, for a rule that is empty, misspelt or unanchored.
 */
export function requireClientOnUpgrade(...given: [rule?: ClientRule]): UpgradeGuard {
  refuseRequests('requireClientOnUpgrade', given);
  const refusalOf = compileAdmission(given);
  return async (req, socket) => {
    // node:http has let go of the socket, and nobody else may listen before the rule has answered.
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
    seen: 'HTTP/2 has no upgrade, and its extended CONNECT is answered as a request',
    remedy: 'guard it with requireClient()',
  });
}

function ignore(): void {
  // 'close' follows, and nothing more can be done.
}
