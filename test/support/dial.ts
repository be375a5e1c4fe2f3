/**
 * Connections that a test keeps in its own hands, where {@link Client} does too much for it.
 *
 * @module
 */
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach } from '@jest/globals';
import type { Certificate } from './chain.js';
import type { Target } from './client.js';

const sockets: TLSSocket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Begins a handshake. Errors of the connection are ignored, and it is closed after the test. */
export function dial({ port, ca }: Target, client: Certificate, options: ConnectionOptions = {}): TLSSocket {
  const { keyPem, pem } = client;
  const own = { port, host: '127.0.0.1', servername: 'localhost', ca, key: keyPem, cert: pem };
  const socket = connect({ ...own, ...options });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** As {@link dial}, and waits until the handshake is done. */
export async function dialled(...given: Parameters<typeof dial>): Promise<TLSSocket> {
  const socket = dial(...given);
  await once(socket, 'secureConnect');
  return socket;
}
