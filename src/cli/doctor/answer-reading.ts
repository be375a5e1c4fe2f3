/**
 * Sends one request over an open connection, and reads what the answer says about the client.
 *
 * @module
 */
import { type IncomingMessage, request } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** Header lines to send. The letter case of a name is kept. */
export type SentHeaders = Readonly<Record<string, string | string[]>>;

/** A request. */
export interface Question {
  readonly url: URL;
  readonly method: string;
  /** Further header lines, by name. A list is sent as several lines. */
  readonly headers?: SentHeaders | undefined;
  /** The limit for the head of the answer, and again for its body, in milliseconds. */
  readonly limitMs: number;
}

/** The relevant parts of an answer. */
export interface ServerAnswer {
  readonly status: number;
  /** `ERR_MTLS_…`, if a server of express-mtls sent it. */
  readonly code: string | undefined;
  /** The reason beside the code: `'revoked'`. */
  readonly reason: string | undefined;
  /** Whether nginx answered instead of the app, because of the certificate. */
  readonly isNginx: boolean;
  /** The program that the header `Server` names: `'nginx/1.22.1'`. */
  readonly server: string | undefined;
}

/** There was no answer within the limit. */
export class NoAnswer extends Error {}

const mostBytes = 64 * 1024;

/**
 * Sends the request and reads the answer up to a size limit.
 * @throws NoAnswer, or the error of the connection.
 */
export async function ask(socket: TLSSocket, question: Question): Promise<ServerAnswer> {
  const response = await answerTo(socket, question);
  const body = await readBody(response, question.limitMs);
  const status = response.statusCode ?? 0;
  const problem = readProblem(response.headers['content-type'], body);
  return {
    status,
    code: wordIn(problem['code'], /^ERR_[A-Z0-9_]{1,60}$/),
    reason: wordIn(problem['reason'], /^[a-z-]{1,40}$/),
    isNginx: status === 400 && body.includes('SSL certificate') && body.includes('nginx'),
    server: wordIn(response.headers['server'], /^[\w./ -]{1,40}$/),
  };
}

async function answerTo(
  socket: TLSSocket,
  { url, method, limitMs, headers = {} }: Question,
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      reject(new NoAnswer(`no answer came within ${limitMs / 1000} s`));
    }, limitMs);
    const asking = request({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, connection: 'close', accept: '*/*', ...headers },
    });
    asking.once('response', resolve);
    asking.on('error', reject);
    // Also if the server switches protocols without a request for it, which is not an error in node:http.
    asking.once('close', () => {
      clearTimeout(limit);
      reject(new NoAnswer('the connection ended without a readable answer'));
    });
    asking.end();
  });
}

/** The body within the limits. If it is cut off, the part that arrived. */
async function readBody(response: IncomingMessage, limitMs: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  const limit = setTimeout(() => response.destroy(), limitMs);
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length >= mostBytes) break;
    }
  } catch {
    // The status has arrived, which is enough.
  } finally {
    clearTimeout(limit);
  }
  return Buffer.concat(parts).toString('utf8', 0, mostBytes);
}

/** RFC 9457. Anything but problem details yields an empty object. */
function readProblem(contentType: string | undefined, body: string): Readonly<Record<string, unknown>> {
  if (contentType?.startsWith('application/problem+json') !== true) return {};
  try {
    const problem: unknown = JSON.parse(body);
    return typeof problem === 'object' && problem !== null ? { ...problem } : {};
  } catch {
    return {};
  }
}

/** Answers are printed to terminals and logs: only words of the known form are used. */
function wordIn(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined;
}
