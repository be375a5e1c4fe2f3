/**
 * Answers the first request of a refused client with `onRefused: 'respond'`. A separate server does it, so that the
 * app's server never sees the socket.
 *
 * @module
 */
import { createServer, type RequestListener } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type Refusal, refusalError } from '../judgement/refusal.js';
import { answerProblem, answerTimeoutMs, describeProblem } from './problem.js';

// Each waiting client takes memory. Beyond this number, refused clients are disconnected without an answer.
const mostWaiting = 1000;

/** Answers refused clients and closes their connections. */
export class RefusalResponder {
  readonly #refusals = new Map<object, Refusal>();
  readonly #server = createServer(this.#answer.bind(this)).on('checkContinue', this.#answer.bind(this));

  /** Takes over a socket: answers its first request with the reason and closes it. */
  take(socket: TLSSocket, refusal: Refusal): void {
    socket.on('error', ignore);
    if (this.#refusals.size >= mostWaiting) {
      socket.destroy();
      return;
    }
    this.#refusals.set(socket, refusal);
    const timeout = setTimeout(() => socket.destroy(), answerTimeoutMs);
    timeout.unref();
    socket.once('close', () => {
      clearTimeout(timeout);
      this.#refusals.delete(socket);
    });
    if (socket.alpnProtocol === 'h2') answerSession(socket, refusal);
    else this.#server.emit('connection', socket);
  }

  #answer(...[req, res]: Parameters<RequestListener>): void {
    const { socket } = req;
    const refusal = this.#refusals.get(socket);
    res.on('error', ignore);
    res.once('close', () => socket.destroy());
    res.shouldKeepAlive = false;
    if (refusal === undefined) socket.destroy();
    else answerProblem(res, refusalError(refusal), refusal.reason);
  }
}

function answerSession(socket: TLSSocket, refusal: Refusal): void {
  // Loaded on demand: only servers with HTTP/2 need it.
  const { performServerHandshake } = process.getBuiltinModule('node:http2');
  const session = performServerHandshake(socket);
  session.on('error', ignore);
  session.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', ignore);
    stream.once('close', () => socket.destroy());
    try {
      answerStream(stream, refusal, headers[':method']);
    } catch {
      // The client has reset the stream before it was reported.
      socket.destroy();
    }
  });
}

/** Answers an HTTP/2 stream with the reason of a refusal. */
export function answerStream(stream: ServerHttp2Stream, refusal: Refusal, method: string | undefined): void {
  const { status, headers, body } = describeProblem(refusalError(refusal), refusal.reason);
  // An answer to HEAD ends with its headers.
  const endStream = method === 'HEAD';
  stream.respond({ ':status': status, ...headers }, { endStream });
  if (!endStream) stream.end(body);
}

function ignore(): void {
  // The connection is ending anyway.
}
