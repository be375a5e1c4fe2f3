/**
 * Rejects session stores on a server with `resumption: false`.
 *
 * @module
 */
import type { Server } from 'node:tls';
import { MtlsError } from '../errors.js';

const storeEvents = ['newSession', 'resumeSession'] as const;

/** A store resumes sessions by their session ID, which no option of a secure context prevents. */
export function refuseSessionStores(server: Server): void {
  const refuse = (name: string | symbol): void => {
    if (!storeEvents.some((event) => event === name)) return;
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `a listener for '${String(name)}' resumes sessions, but options.resumption is false`,
      remedy: 'omit one of them',
    });
  };
  for (const event of storeEvents) if (server.listenerCount(event) > 0) refuse(event);
  server.on('newListener', refuse);
}
