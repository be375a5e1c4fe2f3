/**
 * The requests, streams and upgrades of clients behind proxies: each is given a
 * connection of its own, and loses the headers that say whose it is.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { withoutHeaders } from '../forwarded/strip-headers.js';
import { type Connection, connectionOf, setConnection } from './connection.js';
import { type Exchange } from './forwarded-connection.js';
import { endSocket, GatedConnection } from './gated-connection.js';
import { type ProxyGate } from './proxy-gate.js';

/** Gives a request over HTTP/1 its connection. One over HTTP/2 has that of its stream. */
export function receiveRequest(proxies: ProxyGate, req: IncomingMessage, res: ServerResponse): void {
  if (req.httpVersionMajor >= 2) return;
  receive(proxies, req, () => new ResponseExchange(req, res));
  if (req.headers['transfer-encoding'] !== undefined) stripTrailers(req, proxies.stripped);
}

/** Gives an upgrade its connection. From then on the socket is that client's. */
export function receiveUpgrade(proxies: ProxyGate, req: IncomingMessage, socket: Duplex): void {
  if (req.httpVersionMajor >= 2) return;
  const connection = receive(proxies, req, () => new SocketExchange(socket));
  if (connection !== undefined) setConnection(socket, connection);
}

/** Gives a stream of HTTP/2 its connection. */
export function receiveStream(
  proxies: ProxyGate,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
  below: Connection | undefined,
): Connection | undefined {
  const head = { rawHeaders: [...rawHeaders], address: addressIn(headers, proxies) };
  deleteFrom(headers, proxies.stripped);
  replaceIn(rawHeaders, withoutHeaders(rawHeaders, proxies.stripped));
  if (!(below instanceof GatedConnection)) return below;
  const connection = proxies.connectionOf(head, below, new StreamExchange(stream));
  if (connection !== undefined) setConnection(stream, connection);
  return connection ?? below;
}

function receive(
  proxies: ProxyGate,
  req: IncomingMessage,
  exchangeOf: () => Exchange,
): Connection | undefined {
  const { rawHeaders } = req;
  const head = { rawHeaders, address: addressIn(req.headers, proxies) };
  strip(req, proxies.stripped);
  const below = connectionOf(req);
  if (!(below instanceof GatedConnection)) return undefined;
  const connection = proxies.connectionOf(head, below, exchangeOf());
  if (connection !== undefined) setConnection(req, connection);
  return connection;
}

function addressIn(headers: IncomingHttpHeaders, { addressHeader }: ProxyGate): string | undefined {
  const value = addressHeader && headers[addressHeader];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * Takes headers out of a request. node:http makes `headers` and `headersDistinct` of `rawHeaders` when they are first
 * asked for, by a count of its own: they are made before `rawHeaders` is replaced.
 */
function strip(req: IncomingMessage, names: ReadonlySet<string>): void {
  const kept = withoutHeaders(req.rawHeaders, names);
  if (kept === req.rawHeaders) return;
  deleteFrom(req.headers, names);
  deleteFrom(req.headersDistinct, names);
  req.rawHeaders = kept as string[];
}

/** Trailers are there when the last piece of the body has been read. */
function stripTrailers(req: IncomingMessage, names: ReadonlySet<string>): void {
  const emit = req.emit.bind(req);
  let isDone = false;
  req.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    if (!isDone && req.complete) {
      isDone = true;
      const kept = withoutHeaders(req.rawTrailers, names);
      if (kept !== req.rawTrailers) {
        deleteFrom(req.trailers, names);
        deleteFrom(req.trailersDistinct, names);
        req.rawTrailers = kept as string[];
      }
    }
    return emit(name, ...args);
  };
}

function deleteFrom(headers: object, names: ReadonlySet<string>): void {
  for (const name of Object.keys(headers)) if (names.has(name)) Reflect.deleteProperty(headers, name);
}

function replaceIn(list: string[], kept: readonly string[]): void {
  if (kept.length !== list.length) list.splice(0, list.length, ...kept);
}

/** A request and its response over HTTP/1: while it lasts, the socket carries no other. */
class ResponseExchange implements Exchange {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  isOver: boolean = false;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.#res = res;
    res.once('close', () => (this.isOver = true));
  }

  pause(): void {
    this.#req.socket.pause();
  }

  end(): void {
    endSocket(this.#req.socket);
  }

  onEnd(listener: () => void): void {
    this.#res.once('close', listener);
  }
}

/** A socket after an upgrade. */
class SocketExchange implements Exchange {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  pause(): void {
    this.#socket.pause();
  }

  end(): void {
    endSocket(this.#socket);
  }

  onEnd(listener: () => void): void {
    this.#socket.once('close', listener);
  }
}

const cancelled = 8;

/** A stream of HTTP/2 (RFC 9113 section 7: CANCEL). */
class StreamExchange implements Exchange {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  get isOver(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  pause(): void {
    this.#stream.pause();
  }

  end(): void {
    this.#stream.close(cancelled);
  }

  onEnd(listener: () => void): void {
    this.#stream.once('close', listener);
  }
}
