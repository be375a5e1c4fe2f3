/**
 * Stands in for the app behind a proxy: keeps the head of each marked request, and answers it.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { setTimeout } from 'node:timers/promises';
import { MtlsError } from '../../errors.js';

/** Where to listen: the path of a Unix socket, or a host and a port. */
export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** PEM of the app's own certificate and its key, for the connection between proxy and app. */
export interface AppCredentials {
  readonly cert: string;
  readonly key: string;
}

/** The sender of a request. */
export type Sender =
  | { readonly kind: 'socket' }
  | { readonly kind: 'tcp'; readonly address: string }
  | {
      readonly kind: 'tls';
      readonly address: string;
      readonly protocol: string;
      /** The sender's own certificate, DER. */
      readonly certificate: Buffer | undefined;
    };

/** A request that arrived. */
export interface Arrival {
  readonly rawHeaders: readonly string[];
  readonly sender: Sender;
}

/** Why a connection brought no request. */
export interface ConnectionFault {
  readonly seen: string;
  readonly remedy: string;
}

/** The header that marks a request of the doctor; its value is random. In lower case. */
export const markHeader = 'express-mtls-doctor';

/** As {@link ListenAddress} was written. */
export function describeAddress(address: ListenAddress): string {
  if ('path' in address) return address.path;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

const faultLimitMs = 200;
const faultPauseMs = 20;

// Several forwarded certificates fit, so that the limit of the app is not what is found.
const maxHeaderSize = 256 * 1024;

/** Listens in place of the app, until it is closed. */
export class StandIn {
  /** By mark. */
  readonly #arrivals = new Map<string, Arrival | undefined>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that brought a request. */
  readonly #heard = new WeakSet<Socket>();
  readonly #isTls: boolean;
  #unmarked = 0;
  #fault: ConnectionFault | undefined;

  private constructor(credentials: AppCredentials | undefined) {
    this.#isTls = credentials !== undefined;
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#receive(request, response);
    };
    this.#server =
      credentials === undefined
        ? createHttpServer({ maxHeaderSize }, listener)
        : createHttpsServer(
            { ...credentials, maxHeaderSize, requestCert: true, rejectUnauthorized: false },
            listener,
          );
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      socket.once('close', () => {
        if (!this.#heard.has(socket))
          this.#fault ??= notTrusted('a TLS connection was closed before a request');
      });
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
      this.#fault = describeHandshake(error);
    });
    this.#server.on('clientError', (error: Error & { rawPacket?: Buffer }, socket: Socket) => {
      this.#fault = describeGarbage(error);
      socket.destroy();
    });
  }

  /**
   * Listens.
   * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if the address is in use or not of this machine, or the app's
   *   certificate and key cannot be used.
   */
  static async open(address: ListenAddress, credentials: AppCredentials | undefined): Promise<StandIn> {
    let standIn: StandIn;
    try {
      standIn = new StandIn(credentials);
    } catch (error) {
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `--listen-cert and --listen-key cannot be used: ${(error as Error).message}`,
        remedy: 'use the certificate and the key of the app, which belong together',
      });
    }
    try {
      await standIn.#listen(address);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
        seen: `cannot listen at ${describeAddress(address)} (${code})`,
        remedy: remedies[code] ?? 'check --listen',
      });
    }
    return standIn;
  }

  async #listen(address: ListenAddress): Promise<void> {
    const listening = once(this.#server, 'listening');
    if ('path' in address) {
      // As the socket of an app, which its group may open too. It is made within listen().
      const before = process.umask(0o117);
      try {
        this.#server.listen(address.path);
      } finally {
        process.umask(before);
      }
    } else this.#server.listen(address.port, address.host);
    await listening;
  }

  /** A mark for the next request: a value of {@link markHeader}. */
  createMark(): string {
    const mark = randomBytes(16).toString('hex');
    this.#arrivals.set(mark, undefined);
    return mark;
  }

  /** The request with a mark; `undefined` if none arrived. */
  arrivalOf(mark: string): Arrival | undefined {
    return this.#arrivals.get(mark);
  }

  /** How many requests without a mark arrived. They are answered with 503. */
  get unmarked(): number {
    return this.#unmarked;
  }

  /** Why a connection brought no request. It may end after the proxy has answered: this waits a moment. */
  async findFault(): Promise<ConnectionFault | undefined> {
    for (let waited = 0; this.#fault === undefined && waited < faultLimitMs; waited += faultPauseMs)
      await setTimeout(faultPauseMs);
    return this.#fault;
  }

  /** Closes all connections, and releases the address. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    this.#heard.add(request.socket);
    const mark = request.headers[markHeader];
    if (typeof mark !== 'string' || !this.#arrivals.has(mark)) {
      this.#unmarked++;
      response.writeHead(503, { connection: 'close' }).end('express-mtls doctor: try again later\n');
      return;
    }
    this.#arrivals.set(mark, { rawHeaders: request.rawHeaders, sender: this.#senderOf(request.socket) });
    response.writeHead(200, { 'content-type': 'text/plain' }).end('express-mtls doctor\n');
  }

  #senderOf(socket: Socket): Sender {
    if (typeof this.#server.address() === 'string') return { kind: 'socket' };
    const address = socket.remoteAddress ?? 'an unknown address';
    if (!this.#isTls) return { kind: 'tcp', address };
    const tls = socket as TLSSocket;
    const certificate = tls.getPeerX509Certificate()?.raw;
    return { kind: 'tls', address, protocol: tls.getProtocol() ?? 'TLS', certificate };
  }
}

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'stop the app first; of a Unix socket that no process uses, remove the file',
  EADDRNOTAVAIL: 'use an address of this machine',
  EACCES: 'use a port above 1023, or a folder in which this user may create a socket',
  ENOENT: 'create the folder of the socket',
};

function describeHandshake({ code = '', message }: NodeJS.ErrnoException): ConnectionFault {
  if (code === 'ERR_SSL_HTTP_REQUEST')
    return {
      seen: 'a connection came without TLS',
      remedy: 'have the proxy use https for the app, or leave --listen-cert and --listen-key out',
    };
  return notTrusted(`a TLS handshake failed (${code || message})`);
}

function notTrusted(seen: string): ConnectionFault {
  return {
    seen,
    remedy:
      'the proxy must trust the CA of --listen-cert, and expect a name that is in it; in nginx these are proxy_ssl_trusted_certificate and proxy_ssl_name',
  };
}

function describeGarbage({
  rawPacket,
  code = 'unknown',
}: NodeJS.ErrnoException & { rawPacket?: Buffer }): ConnectionFault {
  // The content type of a handshake record (RFC 8446 section 5.1).
  if (rawPacket?.[0] === 22)
    return {
      seen: 'a connection came with TLS',
      remedy: 'give --listen-cert and --listen-key, as the app has them',
    };
  return {
    seen: `a connection brought no readable request (${code})`,
    remedy: 'have the proxy use HTTP/1.1 for the app',
  };
}
