/**
 * Ports of this machine.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

// Below the ports that Linux gives to other servers and to connections of clients (net.ipv4.ip_local_port_range).
const range = { from: 20_000, to: 32_000 } as const;

/** A free port that stays free until it is used: no other program takes it unless it asks for this very port. */
export async function freePort(): Promise<string> {
  for (;;) {
    const port = randomInt(range.from, range.to);
    const server = createServer();
    try {
      await once(server.listen(port), 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    await once(server.close(), 'close');
    return `${port}`;
  }
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
