/**
 * A WebSocket: one message per request, one per answer.
 *
 * @module
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Answer, connectOptions, type Line, type LineOptions, readAnswer } from './line.js';

export class WebSocketLine implements Line {
  readonly #tls: ReturnType<typeof connectOptions>;
  readonly #onEnd: () => void;
  #socket: WebSocket | undefined;

  constructor(options: LineOptions) {
    this.#tls = connectOptions(options);
    this.#onEnd = options.onEnd;
  }

  async ask(): Promise<Answer> {
    const socket = this.#socket ?? (await this.#connect());
    const abort = new AbortController();
    const { signal } = abort;
    const closed = once(socket, 'close', { signal }).then(() => {
      throw new Error('the connection was closed');
    });
    try {
      const answered = once(socket, 'message', { signal });
      socket.send('who am I?');
      const [data] = (await Promise.race([answered, closed])) as [Buffer];
      return readAnswer(200, data.toString());
    } finally {
      abort.abort();
    }
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }

  async #connect(): Promise<WebSocket> {
    const { host, port, ...options } = this.#tls;
    const socket = new WebSocket(`wss://${host}:${port}/`, options);
    this.#socket = socket;
    let wasUp = false;
    // Errors are reported by the pending request.
    socket.on('error', () => {});
    socket.once('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (wasUp) this.#onEnd();
    });
    await once(socket, 'open');
    wasUp = true;
    return socket;
  }
}
