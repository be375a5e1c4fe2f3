/**
 * An HTTP server of CRLs that can be told to misbehave, and what it was asked.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from './server.js';

/** Answers one request. */
export type CrlAnswer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server whose answers can be replaced, by path. */
export class CrlServer {
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];
  readonly #answers = new Map<string, CrlAnswer>();
  readonly #sockets = new Set<{ destroy(): void }>();
  /** How many requests were open at once, at most. */
  mostOpen = 0;
  #open = 0;
  port = 0;

  static async start(): Promise<CrlServer> {
    const crls = new CrlServer();
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      crls.requests.push({ path, headers: request.headers });
      crls.#open++;
      crls.mostOpen = Math.max(crls.mostOpen, crls.#open);
      response.on('close', () => crls.#open--);
      const answer = crls.#answers.get(path) ?? status(404);
      answer(response, request);
    });
    server.on('connection', (socket) => {
      crls.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
    crls.port = await listen(server);
    return crls;
  }

  /** `http://127.0.0.1:…`, or under another name of the loopback. */
  origin(host = '127.0.0.1'): string {
    return `http://${host}:${this.port}`;
  }

  url(path = '/ca.crl', host = '127.0.0.1'): string {
    return `${this.origin(host)}${path}`;
  }

  on(path: string, answer: CrlAnswer): void {
    this.#answers.set(path, answer);
  }

  /** Answers with these bytes and an ETag, and with 304 to who has them. */
  publish(path: string, bytes: Buffer | string, headers: Readonly<Record<string, string>> = {}): void {
    const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
    this.on(path, (response, request) => {
      const isKnown = request.headers['if-none-match'] === etag;
      response.writeHead(isKnown ? 304 : 200, { etag, ...headers });
      response.end(isKnown ? undefined : bytes);
    });
  }

  asked(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }
}

/** An answer with a status and no CRL. */
export function status(code: number, headers: Readonly<Record<string, string>> = {}): CrlAnswer {
  return (response) => response.writeHead(code, headers).end('<html>no</html>');
}

/** An answer with a body. */
export function body(content: Buffer | string, headers: Readonly<Record<string, string>> = {}): CrlAnswer {
  return (response) => response.writeHead(200, headers).end(content);
}
