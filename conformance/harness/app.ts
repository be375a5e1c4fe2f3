/**
 * The app behind every server under test: it says who is calling, holds responses open, and echoes what is upgraded.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** What `GET /` answers, as JSON. */
export interface AppAnswer {
  /** The caller's name, as the app is told it. */
  readonly who: string | null;
  /** The caller's subjectAltName, as the app is told it: `'DNS:a.example'`, `'IP Address:192.0.2.1'`. */
  readonly names: readonly string[];
  /** The names of the header fields that the app sees. */
  readonly headers: readonly string[];
  /** The host that the request names. */
  readonly host: string | undefined;
}

/** How often `/held` sends a line, in milliseconds. */
const tickMs = 50;

/** The app, for a server that knows who is calling. */
export function answerCaller(
  whoIs: (req: IncomingMessage) => string | null | undefined,
  alternativeNames: (req: IncomingMessage) => readonly string[] = () => [],
): RequestListener {
  return (req, res) => {
    res.on('error', () => undefined);
    if (req.url?.startsWith('/held') === true) {
      // nginx would wait until it has more.
      res.writeHead(200, { 'Content-Type': 'text/plain', 'X-Accel-Buffering': 'no' });
      res.write('tick\n');
      const timer = setInterval(() => res.write('tick\n'), tickMs);
      res.once('close', () => {
        clearInterval(timer);
      });
      return;
    }
    const host = req.headers.host ?? (req.headers[':authority'] as string | undefined);
    const body: AppAnswer = {
      who: whoIs(req) ?? null,
      names: alternativeNames(req),
      headers: Object.keys(req.headers),
      host,
    };
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(body));
  };
}

/** Answers an upgrade as a WebSocket (RFC 6455), and then sends back what it is sent. */
export function echoUpgrade(req: IncomingMessage, socket: Duplex): void {
  const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.on('error', () => undefined);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.pipe(socket);
}

/** The header field in which a proxy tells the app behind it who is calling. */
export const nameHeader = 'X-Client-Name';

/** Starts the app behind proxies. @returns Its port, and what ends it. */
export async function startBackend(): Promise<{ readonly port: number; stop(): void }> {
  const server = createServer(answerCaller(namedInHeader));
  server.on('upgrade', echoUpgrade);
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Node reads headers as Latin-1, and names are in UTF-8. */
function namedInHeader(req: IncomingMessage): string | null {
  const value = req.headers[nameHeader.toLowerCase()];
  return typeof value === 'string' && value !== '' ? Buffer.from(value, 'latin1').toString('utf8') : null;
}
