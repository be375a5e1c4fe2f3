/**
 * HTTP/1.1 on one connection, or on a new one for each request, with or without session resumption.
 *
 * @module
 */
import https from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type Answer, connectOptions, type Line, type LineOptions, readAnswer } from './line.js';

export type ConnectionReuse = 'keep-alive' | 'reconnecting' | 'resuming';

export class HttpsLine implements Line {
  readonly #reuse: ConnectionReuse;
  readonly #tls: https.RequestOptions;
  readonly #onEnd: () => void;
  #agent: https.Agent | undefined;
  #socket: TLSSocket | undefined;
  #session: Buffer | undefined;

  constructor(reuse: ConnectionReuse, options: LineOptions) {
    this.#reuse = reuse;
    // With `sni`, the host of a request must match the name of its handshake.
    this.#tls = { ...connectOptions(options), headers: { host: options.servername } };
    this.#onEnd = options.onEnd;
  }

  async ask(): Promise<Answer> {
    const session = this.#session;
    const request = https.request({
      ...this.#tls,
      ...(session === undefined ? {} : { session }),
      agent: this.#connections(),
    });
    const read = this.#read(request, session !== undefined);
    request.end();
    return await read;
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#agent?.destroy();
    this.#agent = undefined;
    socket?.destroy();
  }

  #connections(): https.Agent | false {
    if (this.#reuse !== 'keep-alive') return false;
    return (this.#agent ??= new https.Agent({ keepAlive: true, maxSockets: 1 }));
  }

  async #read(request: ClientRequest, bringsSession: boolean): Promise<Answer> {
    let seen: Pick<Answer, 'resumed' | 'serverSerial'> = {};
    const { status, body } = await new Promise<{ status: number | undefined; body: string }>(
      (resolve, reject) => {
        request.once('error', reject);
        request.once('socket', (socket) => {
          if (!request.reusedSocket) this.#hold(socket as TLSSocket);
        });
        request.once('response', (response: IncomingMessage) => {
          if (!request.reusedSocket) seen = describe(response.socket as TLSSocket, bringsSession);
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.once('error', reject);
          response.once('end', () => {
            resolve({ status: response.statusCode, body: text });
          });
        });
      },
    );
    return { ...readAnswer(status, body), ...seen };
  }

  #hold(socket: TLSSocket): void {
    this.#socket = socket;
    if (this.#reuse === 'resuming') socket.on('session', (session: Buffer) => (this.#session = session));
    if (this.#reuse !== 'keep-alive') return;
    socket.once('secureConnect', () => {
      socket.once('close', () => {
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        this.#onEnd();
      });
    });
  }
}

function describe(socket: TLSSocket, bringsSession: boolean): Pick<Answer, 'resumed' | 'serverSerial'> {
  const resumed = bringsSession ? socket.isSessionReused() : undefined;
  // A resumed session has the server certificate of its first handshake.
  return resumed === true
    ? { resumed }
    : { resumed, serverSerial: socket.getPeerX509Certificate()?.serialNumber };
}
