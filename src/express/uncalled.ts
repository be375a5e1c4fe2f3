/**
 * Detects a factory that is used as a middleware: `app.use(clientIdentity)`.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { reportFault } from './report-fault.js';

/** The error for a factory that was passed to the app without being called. */
export function uncalled(name: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `the app was given ${name} itself instead of the middleware that it returns`,
    remedy: `call it: ${name}()`,
  });
}

/**
 * Throws if a factory is called as a middleware. Without this, the request would never be answered.
 * @param given - The arguments of the factory.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a request and its response; reported once.
 */
export function refuseRequests(name: string, given: readonly unknown[]): void {
  const [req] = given;
  if (given.length < 2 || !isRequest(req)) return;
  const error = uncalled(name);
  reportFault(req, error);
  throw error;
}

/** Not by `instanceof`: HTTP/2 requests have another class. */
function isRequest(value: unknown): value is IncomingMessage {
  return typeof value === 'object' && value !== null && 'headers' in value && 'socket' in value;
}
