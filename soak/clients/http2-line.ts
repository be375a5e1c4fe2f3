/**
 * HTTP/2: streams of one session.
 *
 * @module
 */
import http2 from 'node:http2';
import tls from 'node:tls';
import { type Answer, connectOptions, type Line, type LineOptions, readAnswer } from './line.js';

export class Http2Line implements Line {
  readonly #tls: tls.ConnectionOptions & { readonly port: number };
  readonly #onEnd: () => void;
  #session: http2.ClientHttp2Session | undefined;

  constructor(options: LineOptions) {
    this.#tls = { ...connectOptions(options), ALPNProtocols: ['h2'] };
    this.#onEnd = options.onEnd;
  }

  async ask(): Promise<Answer> {
    const stream = (this.#session ??= this.#connect()).request({ ':path': '/' });
    let status: number | undefined;
    let body = '';
    await new Promise<void>((resolve, reject) => {
      stream.once('error', reject);
      stream.once('response', (headers) => (status = headers[':status']));
      stream.setEncoding('utf8').on('data', (part: string) => (body += part));
      stream.once('close', resolve);
    });
    return readAnswer(status, body);
  }

  close(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.destroy();
  }

  #connect(): http2.ClientHttp2Session {
    const socket = tls.connect(this.#tls);
    const session = http2.connect(`https://localhost:${this.#tls.port}`, { createConnection: () => socket });
    let wasUp = false;
    session.once('remoteSettings', () => (wasUp = true));
    // Errors are reported by the stream that fails.
    session.on('error', () => {});
    socket.on('error', () => {});
    session.once('close', () => {
      if (this.#session !== session) return;
      this.#session = undefined;
      if (wasUp) this.#onEnd();
    });
    return session;
  }
}
