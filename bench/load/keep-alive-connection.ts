/**
 * One connection that repeats the same request at low cost: on a shared machine, the load takes CPU time from the
 * server.
 *
 * @module
 */
import { once } from 'node:events';
import tls from 'node:tls';
import type { ClientCredentials } from '../harness/material.js';
import { machineTime } from '../harness/clock.js';

/** The server and the client. */
export interface Target {
  readonly port: number;
  readonly credentials: ClientCredentials;
  /** The certificate to forward, PEM, if the client is a proxy. */
  readonly forwarded?: string;
}

const head = 'GET / HTTP/1.1\r\nHost: localhost\r\n';

/** The TLS options of a client. The context is created once for many connections. */
export function connectOptions({ port, credentials }: Target): tls.ConnectionOptions {
  return {
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    secureContext: tls.createSecureContext({ ...credentials, minVersion: 'TLSv1.3' }),
  };
}

function requestWith(forwarded: string | undefined): string {
  const header = forwarded === undefined ? '' : `X-SSL-Client-Cert: ${encodeURIComponent(forwarded)}\r\n`;
  return `${head}${header}\r\n`;
}

export class KeepAliveConnection {
  readonly #socket: tls.TLSSocket;
  readonly #request: string;
  #answer = '';
  #waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | undefined;
  #closedAt: number | undefined;

  static async open(options: tls.ConnectionOptions, forwarded?: string): Promise<KeepAliveConnection> {
    const socket = tls.connect(options);
    await once(socket, 'secureConnect');
    return new KeepAliveConnection(socket, forwarded);
  }

  private constructor(socket: tls.TLSSocket, forwarded: string | undefined) {
    this.#request = requestWith(forwarded);
    this.#socket = socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#read(text);
    });
    // ECONNRESET is how an eviction looks from here; 'close' follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#closedAt = machineTime();
      this.#waiting?.reject(new Error('the connection was closed'));
    });
  }

  /** When it was closed, by `machineTime()`; `undefined` while it is open. */
  get closedAt(): number | undefined {
    return this.#closedAt;
  }

  /** Sends one request, and returns the status. @param forwarded - Another certificate to forward. */
  async get(forwarded?: string): Promise<number> {
    if (this.#closedAt !== undefined) throw new Error('the connection is closed');
    const answered = new Promise<number>((resolve, reject) => (this.#waiting = { resolve, reject }));
    this.#socket.write(forwarded === undefined ? this.#request : requestWith(forwarded));
    return await answered;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#answer += text;
    const head = this.#answer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1] ?? 0);
    if (this.#answer.length < head + 4 + length) return;
    const status = Number(this.#answer.slice(9, 12));
    this.#answer = '';
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(status);
  }
}
