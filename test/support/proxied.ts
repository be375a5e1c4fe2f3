/**
 * A stand-in for a proxy: it connects as one, and sends whatever headers a test gives it.
 *
 * @module
 */
import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import https from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterEach } from '@jest/globals';
import type { Certificate } from './chain.js';
import type { ClientCertificate } from './client.js';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Where the app listens: over TLS, over TCP without it, or on a Unix socket. */
export type Backend =
  | { readonly port: number; readonly ca: string; readonly certificate?: ClientCertificate | undefined }
  | { readonly port: number }
  | { readonly socketPath: string };

export interface ProxiedAnswer {
  /** `'ended'`: the connection was closed without a whole answer. */
  readonly status: number | 'ended';
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  /** The socket that it went over. */
  readonly socket: Socket | undefined;
}

/** The value that nginx sends: percent-encoded PEM. */
export function escaped({ pem }: Pick<Certificate, 'pem'>): string {
  return encodeURIComponent(pem);
}

/** The value of RFC 9440. */
export function byteSequence({ der }: Pick<Certificate, 'der'>): string {
  return `:${der.toString('base64')}:`;
}

/** A proxy with one connection to the app, over which all its requests go one after the other. */
export class TestProxy {
  readonly #backend: Backend;
  readonly #agent: http.Agent;

  constructor(backend: Backend) {
    this.#backend = backend;
    const { Agent } = 'ca' in backend ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closers.push(() => {
      this.#agent.destroy();
    });
  }

  /** Sends a request. @param headers - Name, value, name, value: as they are, several of one name too. */
  async get(path: string, headers: readonly string[] = [], body?: string): Promise<ProxiedAnswer> {
    return await new Promise((resolve, reject) => {
      const request = this.#request(path, headers, body === undefined ? 'GET' : 'POST');
      let text = '';
      const end = (status: ProxiedAnswer['status'], given: IncomingHttpHeaders = {}): void => {
        resolve({ status, body: text, headers: given, socket: request.socket ?? undefined });
      };
      request.once('error', (error: NodeJS.ErrnoException) => {
        if (isEnd(error)) end('ended');
        else reject(error);
      });
      request.once('response', (response) => {
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('error', () => {
          end('ended');
        });
        response.once('end', () => {
          end(response.statusCode ?? 0, response.headers);
        });
      });
      request.end(body);
    });
  }

  /** Sends a request, and answers when the head of its response has come. */
  async open(path: string, headers: readonly string[] = []): Promise<http.IncomingMessage> {
    const request = this.#request(path, headers, 'GET');
    request.on('error', () => {});
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.on('error', () => {});
    response.resume();
    return response;
  }

  /** Upgrades the connection. */
  async upgrade(path: string, headers: readonly string[] = []): Promise<Socket> {
    const request = this.#request(path, ['Connection', 'Upgrade', 'Upgrade', 'echo', ...headers], 'GET');
    request.end();
    const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    return socket;
  }

  #request(path: string, headers: readonly string[], method: string): http.ClientRequest {
    const backend = this.#backend;
    const common = { path, method, agent: this.#agent, headers: ['Host', 'localhost', ...headers] };
    if ('socketPath' in backend) return http.request({ ...common, socketPath: backend.socketPath });
    const { port } = backend;
    const where = { ...common, host: '127.0.0.1', port };
    if (!('ca' in backend)) return http.request(where);
    const { ca, certificate } = backend;
    const own = certificate === undefined ? {} : { key: certificate.keyPem, cert: certificate.chainPem };
    return https.request({ ...where, servername: 'localhost', ca, ...own });
  }
}

/** What a client sees when a server ends a connection. */
function isEnd({ code = '', message }: NodeJS.ErrnoException): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(code) || (code === 'EPROTO' && message.includes(' alert '));
}

/** A session of HTTP/2 to the app. */
export async function proxySession({
  port,
  ca,
  certificate,
}: Extract<Backend, { ca: string }>): Promise<ClientHttp2Session> {
  const own = certificate === undefined ? {} : { key: certificate.keyPem, cert: certificate.chainPem };
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca,
    ALPNProtocols: ['h2'],
    ...own,
  });
  const session = http2.connect('https://localhost', { createConnection: () => socket });
  session.on('error', () => {});
  closers.push(() => {
    session.destroy();
  });
  await once(session, 'connect');
  return session;
}

/** The head of an answer over HTTP/2, and its stream. */
export async function headOf(
  stream: ClientHttp2Stream,
): Promise<{ readonly status: number | undefined; readonly stream: ClientHttp2Stream }> {
  stream.on('error', () => {});
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status'?: number }];
  return { status: headers[':status'], stream };
}
