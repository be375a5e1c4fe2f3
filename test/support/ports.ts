/**
 * Ports of this machine.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** A free port. */
export async function freePort(): Promise<string> {
  const server = createServer();
  await once(server.listen(0), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return `${port}`;
}

/** Whether a port is in use. */
export async function isListening(port: string | number): Promise<boolean> {
  const socket = connect(Number(port), 'localhost');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
