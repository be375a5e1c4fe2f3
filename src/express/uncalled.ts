/**
 * A middleware's factory in the place of the middleware: `app.use(clientIdentity)`.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { reportFault } from './report-fault.js';

/** The error of a factory that the app was given without a call. */
export function uncalled(name: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `the app was given ${name} itself in place of the middleware that it returns`,
    remedy: `call it: ${name}()`,
  });
}

/**
 * Refuses to work as a middleware: without this the request would never be answered, for nothing calls `next()`.
 * @param given - What a factory was called with.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a request and its response; reported once.
 */
export function refuseRequests(name: string, given: readonly unknown[]): void {
  const [req] = given;
  if (given.length < 2 || !isRequest(req)) return;
  const error = uncalled(name);
  reportFault(req, error);
  throw error;
}

/** Requests of HTTP/2 are of another class. */
function isRequest(value: unknown): value is IncomingMessage {
  return typeof value === 'object' && value !== null && 'headers' in value && 'socket' in value;
}
