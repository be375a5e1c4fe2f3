/**
 * A small client for the tests: one certificate, one server, and the ways to call it.
 *
 * @module
 */
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach } from '@jest/globals';
import type { Certificate } from './chain.js';
import { ownTime } from './elapsed.js';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';
export const tlsVersions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];

export interface Target {
  readonly port: number;
  /** The CA of the server's certificate, PEM. */
  readonly ca: string;
}

/** What a client shows and signs with. */
export type ClientCertificate = Pick<Certificate, 'chainPem' | 'keyPem'>;

export interface ClientOptions {
  /** @defaultValue whatever the two agree on */
  readonly version?: TlsVersion;
  /** Whether one connection serves every call. @defaultValue `false` */
  readonly keepAlive?: boolean;
  /** The name that is asked for in the handshake; `''` asks for none. @defaultValue `'localhost'` */
  readonly servername?: string;
  /** Sent in place of the certificate's own chain, PEM. */
  readonly chain?: string;
  /** OpenSSL's list; `'DEFAULT@SECLEVEL=1'` to use a short key. */
  readonly ciphers?: string;
}

export interface Answer {
  /** `'refused'`: the connection was made and then ended by the server, without an answer. */
  readonly status: number | 'refused';
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  /** The client's port: the same for two calls on one connection. */
  readonly localPort: number | undefined;
  /** What the client's end says of the TLS session. */
  readonly resumed: boolean;
  /** The newest session that the server has given out, for the next call. */
  readonly session: Buffer | undefined;
  /** Of the server's certificate. */
  readonly serverFingerprint: string | undefined;
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A session to resume. */
  readonly session?: Buffer | undefined;
}

/** An open connection, seen from the client's end. */
export class OpenConnection {
  readonly #socket: net.Socket;
  #closedAt: number | undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    // ECONNRESET is how an eviction looks from here.
    socket.on('error', () => {});
    socket.once('close', () => (this.#closedAt = ownTime()));
  }

  get isClosed(): boolean {
    return this.#closedAt !== undefined || this.#socket.destroyed;
  }

  /** When it was closed, by ownTime(). */
  get closedAt(): number | undefined {
    return this.#closedAt;
  }

  /** Sends a line and waits for the line that comes back. */
  async echo(text: string): Promise<string> {
    this.#socket.write(`${text}\n`);
    const [data] = (await once(this.#socket, 'data')) as [Buffer];
    return data.toString().trimEnd();
  }
}

/** A session of HTTP/2. */
export class Http2Connection extends OpenConnection {
  readonly #session: http2.ClientHttp2Session;

  constructor(session: http2.ClientHttp2Session, socket: net.Socket) {
    super(socket);
    this.#session = session;
  }

  async get(path = '/'): Promise<{ status: number | undefined; body: string }> {
    const stream = this.#session.request({ ':path': path });
    let status: number | undefined;
    let body = '';
    stream.on('response', (headers) => (status = headers[':status']));
    stream.setEncoding('utf8').on('data', (part: string) => (body += part));
    await once(stream, 'end');
    return { status, body };
  }

  /** Ends the session, whatever is under way on it. */
  destroy(): void {
    this.#session.destroy();
  }
}

export class Client {
  readonly #tls: tls.ConnectionOptions & { port: number; host: string };
  readonly #agent: https.Agent | undefined;
  #connection: OpenConnection | undefined;

  constructor({ port, ca }: Target, certificate?: ClientCertificate, options: ClientOptions = {}) {
    const { version } = options;
    this.#tls = {
      host: '127.0.0.1',
      servername: options.servername ?? 'localhost',
      port,
      ca,
      // Without a name there is none to compare with the certificate's.
      ...(options.servername === '' ? { checkServerIdentity: () => undefined } : {}),
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
      ...(options.ciphers === undefined ? {} : { ciphers: options.ciphers }),
      ...(certificate === undefined
        ? {}
        : { key: certificate.keyPem, cert: options.chain ?? certificate.chainPem }),
    };
    if (options.keepAlive !== true) return;
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    this.#agent = agent;
    closers.push(() => {
      agent.destroy();
    });
  }

  /** The connection of the last call. */
  get connection(): OpenConnection {
    if (this.#connection === undefined) throw new Error('no call was made yet');
    return this.#connection;
  }

  /** Calls; a call that the server ends without an answer is `'refused'`, any other failure is an error. */
  async get(path = '/', { session, ...options }: CallOptions = {}): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      let socket: tls.TLSSocket | undefined;
      let newest: Buffer | undefined;
      let fingerprint: string | undefined;
      const answer = (status: Answer['status'], body: string, headers: IncomingHttpHeaders): void => {
        resolve({
          status,
          body,
          headers,
          localPort: socket?.localPort,
          resumed: socket?.isSessionReused() ?? false,
          session: newest,
          serverFingerprint: fingerprint,
        });
      };
      const fail = (error: NodeJS.ErrnoException): void => {
        if (isRefusal(error)) answer('refused', '', {});
        else reject(error);
      };
      const request = https.request({
        ...this.#tls,
        ...options,
        path,
        agent: this.#agent ?? false,
        ...(session === undefined ? {} : { session }),
      });
      request.once('socket', (used) => {
        socket = used as tls.TLSSocket;
        if (request.reusedSocket) return;
        this.#connection = new OpenConnection(socket);
        socket.on('session', (given) => (newest = given));
      });
      request.once('error', fail);
      request.once('response', (response) => {
        fingerprint = socket?.getPeerX509Certificate()?.fingerprint256;
        let body = '';
        response.setEncoding('utf8').on('data', (part: string) => (body += part));
        response.once('error', fail);
        response.once('end', () => {
          answer(response.statusCode ?? 0, body, response.headers);
        });
      });
      request.end();
    });
  }

  /**
   * Writes a request before the handshake is done, so that it travels with the end of it, and waits until the
   * server has closed.
   * @returns Whatever came back.
   */
  async firstFlight(path = '/'): Promise<string> {
    const socket = tls.connect(this.#tls);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    return await readToEnd(socket);
  }

  /** Shakes hands, and asks for nothing. */
  async open(): Promise<OpenConnection> {
    const socket = tls.connect(this.#tls);
    closers.push(() => socket.destroy());
    await once(socket, 'secureConnect');
    return new OpenConnection(socket);
  }

  /** Opens a TCP connection now, for a handshake and a call later. */
  async dial(): Promise<{ call(path?: string): Promise<string> }> {
    const tcp = net.connect(this.#tls.port, this.#tls.host);
    await once(tcp, 'connect');
    closers.push(() => tcp.destroy());
    return {
      call: async (path = '/') => {
        const socket = tls.connect({ ...this.#tls, socket: tcp });
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
        return await readToEnd(socket);
      },
    };
  }

  /** Upgrades a connection, as a WebSocket does. */
  async upgrade(path = '/'): Promise<OpenConnection> {
    const request = https.request({
      ...this.#tls,
      path,
      agent: false,
      headers: { Connection: 'Upgrade', Upgrade: 'echo' },
    });
    request.end();
    const [, socket] = (await once(request, 'upgrade')) as [unknown, net.Socket];
    closers.push(() => socket.destroy());
    return new OpenConnection(socket);
  }

  /**
   * Upgrades a connection as a client that does not let go: told that the connection has ended, it sends on.
   * @returns What sends a line.
   */
  async upgradeStubbornly(): Promise<(text: string) => void> {
    const { host, port, ...options } = this.#tls;
    const tcp = net.connect({ host, port, allowHalfOpen: true });
    const socket = tls.connect({ ...options, socket: tcp });
    for (const each of [tcp, socket]) each.on('error', () => {});
    closers.push(() => tcp.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await once(socket, 'data');
    return (text) => {
      if (socket.writable) socket.write(`${text}\n`);
    };
  }

  /** Opens an HTTP/2 session. */
  async http2(): Promise<Http2Connection> {
    const { host, port, ...options } = this.#tls;
    const socket = tls.connect({ ...options, host, port, ALPNProtocols: ['h2'] });
    const session = http2.connect(`https://localhost:${port}`, { createConnection: () => socket });
    session.on('error', () => {});
    closers.push(() => {
      session.destroy();
    });
    await once(session, 'connect');
    return new Http2Connection(session, socket);
  }
}

// What a client sees when a server ends a connection that it has accepted: nothing about the server's own certificate.
function isRefusal({ code = '', message }: NodeJS.ErrnoException): boolean {
  if (code === 'EPROTO') return message.includes(' alert ');
  return code === 'ECONNRESET' || code === 'EPIPE' || /^ERR_SSL_.*ALERT/.test(code);
}

async function readToEnd(socket: tls.TLSSocket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  return await new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (!isRefusal(error)) reject(error);
    });
    socket.once('close', () => {
      resolve(text);
    });
  });
}
