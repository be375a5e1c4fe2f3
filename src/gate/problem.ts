/**
 * The answer to a refused request: problem details (RFC 9457) with status, title and code, without any data of the
 * certificate.
 *
 * @module
 */
import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type MtlsError } from '../errors.js';
import { type RefusalReason } from '../judgement/refusal.js';

/** The parts of an answer, for any kind of response. */
export interface Problem {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/**
 * Returns the answer for an error.
 * @param reason - The reason, for a refused certificate.
 */
export function describeProblem({ status, code }: MtlsError, reason?: RefusalReason): Problem {
  const problem = { type: 'about:blank', title: STATUS_CODES[status], status, code, reason };
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  return { status, headers, body: `${JSON.stringify(problem)}\n` };
}

/** Answers a request with an error. */
export function answerProblem(res: ServerResponse, error: MtlsError, reason?: RefusalReason): void {
  const { status, headers, body } = describeProblem(error, reason);
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value as string);
  res.end(body);
}

/** How long a refused client may take to send its request and to read the answer, in milliseconds. */
export const answerTimeoutMs = 5000;

/**
 * Answers over HTTP/1.1 without a response object, as at an upgrade.
 * @param end - Closes the connection when the answer was sent, or was not read in time. Otherwise a client could keep
 *   it open.
 */
export function endWithProblem(
  socket: Duplex,
  error: MtlsError,
  method: string | undefined,
  end: () => void,
): void {
  const limit = setTimeout(end, answerTimeoutMs);
  socket.once('finish', end);
  socket.once('close', () => {
    clearTimeout(limit);
  });
  const { status, headers, body } = describeProblem(error);
  const fields = {
    ...headers,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    date: new Date().toUTCString(),
  };
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(fields).map(([name, value]) => `${name}: ${String(value)}`),
  ];
  // An answer to HEAD ends with its headers.
  socket.end(`${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`);
}
