/**
 * A client of a server under test: one certificate, and the ways to use it. Nothing here trusts the server to answer.
 *
 * @module
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import type { AppAnswer } from './app.js';
import { waitUntil, within } from './waiting.js';

/** What a client shows and signs with. */
export interface ClientCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
}

export interface CallOptions {
  readonly version?: 'TLSv1.2' | 'TLSv1.3';
  /** A session to resume. */
  readonly session?: Buffer | undefined;
  /** The name in the handshake. @defaultValue `'localhost'` */
  readonly servername?: string;
  /** The host in the request. @defaultValue the name in the handshake */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent in place of the certificate's own chain, PEM. */
  readonly chain?: string;
  /** Whether the client takes no tickets, so that a server of TLS 1.2 has to use session IDs. */
  readonly withoutTickets?: boolean;
  /** OpenSSL's list, to use keys that it would refuse. */
  readonly ciphers?: string;
}

export interface Answer {
  /** Whether the app answered: the status is 200. */
  readonly served: boolean;
  /** In a few words: `'200'`, `'refused: ECONNRESET'`, `'refused: 400'`. */
  readonly seen: string;
  readonly app: AppAnswer | undefined;
  readonly resumed: boolean;
  /** The newest session that the server has given. */
  readonly session: Buffer | undefined;
  /** SHA-256 of the server's certificate. */
  readonly shown: string | undefined;
}

/** An open connection. */
export interface Held {
  readonly isOpen: boolean;
  /** How often the server has sent something. */
  readonly ticks: number;
  /** Asks once more, and says whether the app answered. */
  ask(): Promise<boolean>;
  destroy(): void;
}

const answerLimitMs = 15_000;

export class Client {
  readonly #port: number;
  readonly #certificate: ClientCertificate | undefined;
  readonly #open: Set<{ destroy(): void }>;

  constructor(port: number, certificate: ClientCertificate | undefined, open: Set<{ destroy(): void }>) {
    this.#port = port;
    this.#certificate = certificate;
    this.#open = open;
  }

  /** Calls over a new connection. */
  async call(options: CallOptions = {}): Promise<Answer> {
    const { headers = {} } = options;
    const socket = tls.connect(this.#tls(options));
    this.#track(socket);
    let session: Buffer | undefined;
    let shown: string | undefined;
    let text = '';
    let problem = '';
    socket.on('session', (given) => (session = given));
    socket.once('secureConnect', () => (shown = socket.getPeerX509Certificate()?.fingerprint256));
    socket.on('error', (error: NodeJS.ErrnoException) => (problem = nameOf(error)));
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    const lines = Object.entries({ Host: hostOf(options), Connection: 'close', ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`GET / HTTP/1.1\r\n${head}\r\n`);
    const isDone = (): boolean => socket.closed || socket.readableEnded || isComplete(text);
    if ((await waitUntil(isDone, answerLimitMs)) === undefined)
      problem = `no answer in ${answerLimitMs / 1000} s`;
    const resumed = socket.isSessionReused();
    // The tickets of TLS 1.3 come after the handshake, and may come after the answer.
    if (text !== '' && session === undefined)
      await waitUntil(() => session !== undefined || socket.closed, 300);
    this.#untrack(socket);
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
    const served = status === '200';
    const seen = served ? '200' : `refused: ${status ?? (problem || 'connection ended')}`;
    return { served, seen, app: served ? readBody(text) : undefined, resumed, session, shown };
  }

  /** Keeps a connection of HTTP/1.1 open. Throws if the first request is not answered. */
  async keepAlive(options: CallOptions = {}): Promise<Held> {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    this.#track(agent);
    let used: tls.TLSSocket | undefined;
    const get = async (): Promise<boolean> =>
      await new Promise((resolve) => {
        const { host: address, port, ...own } = this.#tls(options);
        const request = https.request({
          ...own,
          host: address as string,
          port,
          path: '/',
          headers: { Host: hostOf(options) },
          agent,
        });
        request.setTimeout(answerLimitMs, () => request.destroy());
        request.once('socket', (socket) => (used ??= socket as tls.TLSSocket));
        request.once('error', () => {
          resolve(false);
        });
        request.once('response', (response) => {
          response.on('error', () => undefined).resume();
          response.once('close', () => {
            resolve(response.statusCode === 200);
          });
        });
        request.end();
      });
    if (!(await get())) throw new Error('the first request on a connection was not answered');
    return {
      get isOpen() {
        return used?.destroyed === false && !used.readableEnded;
      },
      ticks: 0,
      // A request on a new connection would say nothing about this one.
      ask: async () => used?.destroyed === false && !used.readableEnded && (await get()),
      destroy: () => {
        agent.destroy();
      },
    };
  }

  /** Asks for a response that does not end. */
  async hold(options: CallOptions = {}): Promise<Held> {
    const { host: address, port, ...own } = this.#tls(options);
    const request = https.request({
      ...own,
      host: address as string,
      port,
      path: '/held',
      headers: { Host: hostOf(options) },
      agent: false,
    });
    this.#track(request);
    request.on('error', () => undefined);
    request.end();
    const [response] = (await within(once(request, 'response'), answerLimitMs, '/held')) as [IncomingMessage];
    let [isOpen, ticks] = [response.statusCode === 200, 0];
    response.on('error', () => undefined).on('data', () => (ticks += 1));
    response.once('close', () => (isOpen = false));
    return heldOf(
      () => isOpen,
      () => ticks,
      request,
    );
  }

  /** Opens a WebSocket, and has what it sends come back every 50 ms. */
  async upgrade(options: CallOptions = {}): Promise<Held> {
    const { host: address, port, ...own } = this.#tls(options);
    const headers = {
      ...{ Host: hostOf(options), Connection: 'Upgrade', Upgrade: 'websocket' },
      ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
    };
    const request = https.request({
      ...own,
      host: address as string,
      port,
      path: '/',
      agent: false,
      headers,
    });
    this.#track(request);
    request.end();
    request.once('response', (response) =>
      request.destroy(new Error(`the upgrade is answered with ${response.statusCode}`)),
    );
    const upgraded = once(request, 'upgrade') as Promise<[unknown, net.Socket]>;
    const [, socket] = await within(upgraded, answerLimitMs, 'the upgrade');
    this.#track(socket);
    let [isOpen, ticks] = [true, 0];
    socket.on('error', () => undefined).on('data', () => (ticks += 1));
    const timer = setInterval(() => socket.write('echo\n'), 50);
    socket.once('end', () => (isOpen = false));
    socket.once('close', () => {
      isOpen = false;
      clearInterval(timer);
    });
    return heldOf(
      () => isOpen,
      () => ticks,
      socket,
    );
  }

  /** Opens a session of HTTP/2, with a response that does not end if `path` is `/held`. */
  async http2(path: '/' | '/held', options: CallOptions = {}): Promise<Held> {
    const socket = tls.connect({ ...this.#tls(options), ALPNProtocols: ['h2'] });
    const session = http2.connect('https://localhost', { createConnection: () => socket });
    this.#track(session);
    session.on('error', () => undefined);
    await within(once(session, 'connect'), answerLimitMs, 'HTTP/2');
    let ticks = 0;
    let isOpen = true;
    const ask = async (): Promise<boolean> =>
      await new Promise((resolve) => {
        if (session.destroyed || session.closed) {
          resolve(false);
          return;
        }
        const stream = session.request({ ':path': path });
        stream.on('error', () => undefined).on('data', () => (ticks += 1));
        stream.once('response', (headers) => {
          resolve(headers[':status'] === 200);
        });
        stream.once('close', () => {
          if (path === '/held') isOpen = false;
          resolve(false);
        });
      });
    if (!(await ask())) throw new Error('the first request over HTTP/2 was not answered');
    session.once('close', () => (isOpen = false));
    // A server that ends may announce it, and finish what it has begun.
    const isHeld = (): boolean => isOpen && !session.destroyed && (path === '/held' || !session.closed);
    const held = heldOf(isHeld, () => ticks, session);
    return path === '/held' ? held : Object.assign(held, { ask });
  }

  /** Asks for a second handshake on a connection of TLS 1.2. @returns Whether it was made, and in words what was seen. */
  async renegotiate(limitMs: number): Promise<{ readonly isDone: boolean; readonly seen: string }> {
    const socket = tls.connect(this.#tls({ version: 'TLSv1.2' }));
    this.#track(socket);
    let [isDone, seen] = [false, ''];
    socket.on('error', (error: NodeJS.ErrnoException) => (seen ||= `refused: ${nameOf(error)}`));
    socket.once('close', () => (seen ||= 'refused: connection ended'));
    await within(once(socket, 'secureConnect'), answerLimitMs, 'the first handshake');
    socket.resume().renegotiate({}, (error) => {
      isDone = error === null;
      seen ||= isDone ? 'a second handshake is made' : `refused: ${nameOf(error as NodeJS.ErrnoException)}`;
    });
    await waitUntil(() => seen !== '', limitMs);
    this.#untrack(socket);
    return { isDone, seen: seen || 'refused: no answer' };
  }

  /** Opens a TCP connection now, for a handshake and a request later. */
  async dial(): Promise<() => Promise<boolean>> {
    const tcp = net.connect(this.#port, '127.0.0.1');
    this.#track(tcp);
    tcp.on('error', () => undefined);
    await once(tcp, 'connect');
    return async () => {
      const { host: _host, port: _port, ...own } = this.#tls({});
      const socket = tls.connect({ ...own, socket: tcp });
      let text = '';
      socket.on('error', () => undefined);
      socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      await waitUntil(() => socket.destroyed || socket.readableEnded || text !== '', answerLimitMs);
      return text.startsWith('HTTP/1.1 200');
    };
  }

  #tls(options: CallOptions): tls.ConnectionOptions & { port: number } {
    const { version, session, servername = 'localhost', chain, withoutTickets = false, ciphers } = options;
    const certificate = this.#certificate;
    return {
      host: '127.0.0.1',
      port: this.#port,
      servername,
      // The suite tests how servers judge clients, not their own certificates.
      rejectUnauthorized: false,
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
      ...(session === undefined ? {} : { session }),
      ...(withoutTickets ? { secureOptions: 0x4000 } : {}),
      ...(certificate === undefined ? {} : { key: certificate.keyPem, cert: chain ?? certificate.chainPem }),
      ciphers: ciphers ?? 'DEFAULT@SECLEVEL=0',
    };
  }

  #track(open: { destroy(): void }): void {
    this.#open.add(open);
  }

  #untrack(open: { destroy(): void }): void {
    open.destroy();
    this.#open.delete(open);
  }
}

function heldOf(isOpen: () => boolean, ticks: () => number, open: { destroy(): unknown }): Held {
  return {
    get isOpen() {
      return isOpen();
    },
    get ticks() {
      return ticks();
    },
    ask: async () => {
      const before = ticks();
      return (await waitUntil(() => ticks() > before || !isOpen(), 5000)) !== undefined && isOpen();
    },
    destroy: () => {
      open.destroy();
    },
  };
}

function hostOf({ servername = 'localhost', host = servername }: CallOptions): string {
  return host;
}

function nameOf({ code, message }: NodeJS.ErrnoException): string {
  const alert = /alert ([a-z ]+)/.exec(message)?.[1];
  return alert === undefined ? (code ?? message) : `alert ${alert}`;
}

/** Whether an answer has its end: after a chunk of length 0, or after its Content-Length. */
function isComplete(text: string): boolean {
  const [head, body] = text.split('\r\n\r\n', 2);
  if (head === undefined || body === undefined) return false;
  if (/^transfer-encoding: chunked/im.test(head)) return text.endsWith('0\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return length !== undefined && text.length >= head.length + 4 + Number(length);
}

function readBody(text: string): AppAnswer | undefined {
  const json = /\{.*\}/s.exec(text)?.[0];
  if (json === undefined) return undefined;
  return JSON.parse(Buffer.from(json, 'latin1').toString('utf8')) as AppAnswer;
}
