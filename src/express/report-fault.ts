/**
 * Reports setup faults that requests encounter, so that a status 500 never goes unexplained.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { type MtlsError } from '../errors.js';
import { connectionOf } from '../gate/connection.js';
import { ReportedFaults, warnOfFault } from '../server/reported-faults.js';
import { abbreviateUrl } from './admission.js';

/**
 * Reports an error with status 500, once for each server and message: to the logger of the server, or as a process
 * warning if it has none.
 */
export function reportFault(req: IncomingMessage, error: MtlsError): void {
  const { reporter, identity, remoteAddress = '' } = connectionOf(req) ?? {};
  const { method } = req;
  if (reporter !== undefined)
    reporter.emit('request-failed', { identity, remoteAddress, error, method, url: abbreviateUrl(req) });
  else if (faultsOn(serverOf(req)).isNew(error)) warnOfFault(error);
}

const reported = new WeakMap<object, ReportedFaults>();

function faultsOn(server: object): ReportedFaults {
  const known = reported.get(server) ?? new ReportedFaults();
  reported.set(server, known);
  return known;
}

const unknownServer = {};

/** node:http and node:tls set `server` on each socket that the server accepts. */
function serverOf(req: IncomingMessage): object {
  try {
    const { server } = req.socket as { readonly server?: object };
    return server ?? unknownServer;
  } catch {
    // An HTTP/2 session that has ended has no socket.
    return unknownServer;
  }
}
