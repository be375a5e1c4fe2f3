/**
 * A client that keeps its connection open, as browsers, services and proxies do.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** One client with at most one connection. */
export class Caller {
  readonly #agent: https.Agent;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #socket: Socket | undefined;

  constructor(
    url: string,
    ca: string,
    credentials?: { certFile: string; keyFile: string },
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#url = url;
    this.#headers = headers;
    this.#agent = new https.Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: readFileSync(ca),
      ...(credentials && {
        cert: readFileSync(credentials.certFile),
        key: readFileSync(credentials.keyFile),
      }),
    });
  }

  /** `'200 hello client1, on a new connection'`; `'refused, …'` if the connection was closed without an answer. */
  async call(): Promise<string> {
    const request = https.get(this.#url, { agent: this.#agent, headers: this.#headers, timeout: 10_000 });
    request.once('socket', (socket: Socket) => (this.#socket = socket));
    request.once('timeout', () => request.destroy(new Error('no answer within ten seconds')));
    const outcome = await outcomeOf(request);
    return `${outcome}, on ${request.reusedSocket ? 'the same connection' : 'a new connection'}`;
  }

  /** Resolves when the connection of the last call is closed. */
  async closed(): Promise<'closed'> {
    if (this.#socket?.closed === false) await once(this.#socket, 'close');
    return 'closed';
  }

  hangUp(): void {
    this.#agent.destroy();
  }
}

async function outcomeOf(request: ClientRequest): Promise<string> {
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = (await text(response)).trim();
    const isProblem = response.headers['content-type'] === 'application/problem+json';
    return `${response.statusCode} ${isProblem ? codeIn(body) : body}`;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return ['ECONNRESET', 'EPIPE'].includes(code) ? 'refused' : `failed: ${message}`;
  }
}

/** The error code in problem details (RFC 9457). */
function codeIn(body: string): string {
  return (JSON.parse(body) as { code: string }).code;
}
