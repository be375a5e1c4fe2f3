/**
 * One request over a connection that is there, and what its answer says of the client.
 *
 * @module
 */
import { type IncomingMessage, request } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** What is asked for. */
export interface Question {
  readonly url: URL;
  readonly method: string;
  /** For the answer's head, and again for its body, in milliseconds. */
  readonly limitMs: number;
}

/** An answer, as far as it matters. */
export interface ServerAnswer {
  readonly status: number;
  /** `ERR_MTLS_…`, where a server of express-mtls says so. */
  readonly code: string | undefined;
  /** The reason beside the code: `'revoked'`. */
  readonly reason: string | undefined;
  /** Whether nginx has answered in the place of the app, because of the certificate. */
  readonly isNginx: boolean;
}

/** No answer came within the limit. */
export class NoAnswer extends Error {}

const mostBytes = 64 * 1024;

/**
 * Asks, and reads the answer up to a limit.
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
  };
}

async function answerTo(socket: TLSSocket, { url, method, limitMs }: Question): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      reject(new NoAnswer(`no answer came within ${limitMs / 1000} s`));
    }, limitMs);
    const asking = request({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, connection: 'close', accept: '*/*' },
    });
    asking.once('response', resolve);
    asking.on('error', reject);
    // Also where the server changes to a protocol that nobody asked for, which is no error to node:http.
    asking.once('close', () => {
      clearTimeout(limit);
      reject(new NoAnswer('the connection ended without an answer that can be read'));
    });
    asking.end();
  });
}

/** As much as is read within the limits: of a body that breaks off, what came. */
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
    // The status has come, and says enough.
  } finally {
    clearTimeout(limit);
  }
  return Buffer.concat(parts).toString('utf8', 0, mostBytes);
}

/** RFC 9457. What is no problem details is an object without anything. */
function readProblem(contentType: string | undefined, body: string): Readonly<Record<string, unknown>> {
  if (contentType?.startsWith('application/problem+json') !== true) return {};
  try {
    const problem: unknown = JSON.parse(body);
    return typeof problem === 'object' && problem !== null ? { ...problem } : {};
  } catch {
    return {};
  }
}

/** What a server says goes into a terminal and a log: a word of the form that is known, or nothing. */
function wordIn(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined;
}
