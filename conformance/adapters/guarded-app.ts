/**
 * The app of the suite on servers of this package.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import { identify, requireClientOnUpgrade } from 'express-mtls';
import { answerCaller, echoUpgrade } from '../harness/app.js';

/** Says who is calling, and by which other names. */
export const app = answerCaller(
  (req) => identify(req)?.commonName,
  (req) => {
    const { dns = [], email = [], uri = [], ip = [] } = identify(req)?.subjectAltNames ?? {};
    const kinds = { DNS: dns, email, URI: uri, 'IP Address': ip };
    return Object.entries(kinds).flatMap(([kind, names]) => names.map((name) => `${kind}:${name}`));
  },
);

/** Echoes what is upgraded by a client that may. */
export function echoGuarded(server: Server): void {
  const guard = requireClientOnUpgrade();
  server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
    void guard(req, socket).then((client) => {
      if (client !== undefined) echoUpgrade(req, socket);
    });
  });
}

/** A logger that says nothing. */
export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
