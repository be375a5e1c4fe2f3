/**
 * Gives each request, stream and upgrade of a client behind a proxy its own connection, and removes the headers with
 * the client's certificate.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { copyWithout, deleteHeaders, withoutHeaders } from '../forwarded/strip-headers.js';
import { type Connection, connectionOf, setConnection } from './connection.js';
import { type Exchange } from './forwarded-connection.js';
import { endSocket, GatedConnection } from './gated-connection.js';
import { type ProxyGate } from './proxy-gate.js';

/** Gives an HTTP/1 request its connection. An HTTP/2 request has the connection of its stream. */
export function receiveRequest(proxies: ProxyGate, req: IncomingMessage, res: ServerResponse): void {
  if (req.httpVersionMajor >= 2) return;
  receive(proxies, req, () => new ResponseExchange(req, res));
  if (req.headers['transfer-encoding'] !== undefined) stripTrailers(req, proxies.stripped);
}

/** Gives an upgrade its connection. From then on the socket belongs to that client. */
export function receiveUpgrade(proxies: ProxyGate, req: IncomingMessage, socket: Duplex): void {
  if (req.httpVersionMajor >= 2) return;
  const connection = receive(proxies, req, () => new SocketExchange(socket));
  if (connection !== undefined) setConnection(socket, connection);
  // Some releases of Node emit the event before the body has arrived.
  if (req.headers['transfer-encoding'] !== undefined) stripTrailers(req, proxies.stripped);
}

/** Gives an HTTP/2 stream its connection. */
export function receiveStream(
  proxies: ProxyGate,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
  below: Connection | undefined,
): Connection | undefined {
  const head = { rawHeaders: [...rawHeaders], isCut: false, address: addressIn(headers, proxies) };
  deleteHeaders(headers, proxies.stripped);
  replaceIn(rawHeaders, withoutHeaders(rawHeaders, proxies.stripped));
  if (!(below instanceof GatedConnection)) return below;
  if (!stream.endAfterHeaders) stripStreamTrailers(stream, proxies.stripped);
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
  const head = { rawHeaders, isCut: isCut(req), address: addressIn(req.headers, proxies) };
  strip(req, proxies.stripped);
  const below = connectionOf(req);
  if (!(below instanceof GatedConnection)) return undefined;
  const connection = proxies.connectionOf(head, below, exchangeOf());
  // Set in any case, because a later upgrade on the socket may belong to another client.
  setConnection(req, connection ?? below);
  return connection;
}

/** Whether Node may have dropped headers: over HTTP/1 it drops those beyond a limit. Over HTTP/2 it ends the stream. */
function isCut({ rawHeaders, socket }: IncomingMessage): boolean {
  const { server } = socket as { readonly server?: Pick<Server, 'maxHeadersCount'> };
  const most = server?.maxHeadersCount ?? 1000;
  return most > 0 && rawHeaders.length >= 2 * most;
}

function addressIn(headers: IncomingHttpHeaders, { addressHeader }: ProxyGate): string | undefined {
  const value = addressHeader && headers[addressHeader];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * Removes headers from a request. node:http has already created `headers`. It would create `headersDistinct` from
 * `rawHeaders` at the first access, with its own count, and throw because `rawHeaders` is now shorter. Few handlers
 * access it, so it is replaced by a getter.
 */
function strip(req: IncomingMessage, names: ReadonlySet<string>): void {
  const kept = withoutHeaders(req.rawHeaders, names);
  if (kept === req.rawHeaders) return;
  req.headers = copyWithout(req.headers, names);
  req.rawHeaders = kept as string[];
  Object.defineProperty(req, 'headersDistinct', distinctHeaders);
}

/** Creates what node:http would create from `rawHeaders`, at the first access. */
const distinctHeaders: PropertyDescriptor & ThisType<IncomingMessage> = {
  configurable: true,
  get() {
    const distinct = Object.create(null) as NodeJS.Dict<string[]>;
    for (const [index, name] of this.rawHeaders.entries()) {
      if (index % 2 === 0) (distinct[name.toLowerCase()] ??= []).push(this.rawHeaders[index + 1] as string);
    }
    setDistinct(this, distinct);
    return distinct;
  },
  set(distinct: NodeJS.Dict<string[]>) {
    setDistinct(this, distinct);
  },
};

function setDistinct(req: IncomingMessage, value: NodeJS.Dict<string[]>): void {
  Object.defineProperty(req, 'headersDistinct', { value, configurable: true, writable: true });
}

/** Before 20.20.2, 22.22.2 and 24.14.1, Node throws for a header named __proto__, but only at the first access. */
function distinctIn(read: () => NodeJS.Dict<string[]>): NodeJS.Dict<string[]> {
  try {
    return read();
  } catch {
    return read();
  }
}

/** Trailers are set when the end of the body is pushed, and a handler may read them before any event is emitted. */
function stripTrailers(req: IncomingMessage, names: ReadonlySet<string>): void {
  const push = req.push.bind(req);
  req.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null) {
      const kept = withoutHeaders(req.rawTrailers, names);
      if (kept !== req.rawTrailers) {
        deleteHeaders(req.trailers, names);
        deleteHeaders(
          distinctIn(() => req.trailersDistinct),
          names,
        );
        req.rawTrailers = kept as string[];
      }
    }
    return push(chunk, encoding);
  };
}

function stripStreamTrailers(stream: ServerHttp2Stream, names: ReadonlySet<string>): void {
  const emit = stream.emit.bind(stream) as (name: string | symbol, ...args: unknown[]) => boolean;
  stream.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    if (name === 'trailers') {
      const [trailers, , rawTrailers] = args as [IncomingHttpHeaders, number, string[]];
      deleteHeaders(trailers, names);
      replaceIn(rawTrailers, withoutHeaders(rawTrailers, names));
    }
    return emit(name, ...args);
  };
}

function replaceIn(list: string[], kept: readonly string[]): void {
  if (kept.length !== list.length) list.splice(0, list.length, ...kept);
}

/** An HTTP/1 request and its response. Until it ends, the socket carries no other. */
class ResponseExchange implements Exchange {
  readonly #req: IncomingMessage;
  readonly #listeners: (() => void)[] = [];
  isOver: boolean = false;
  #isPaused = false;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    res.once('close', () => {
      this.#onAnswered();
    });
    // The response waits for that of an earlier request, and emits no 'close' if the socket closes first.
    if (res.socket === null) this.#awaitSocket();
  }

  /** A request may be answered before it has arrived completely. */
  #onAnswered(): void {
    const { complete, destroyed, socket } = this.#req;
    // What has arrived and was not read yet is judged when it is read.
    if (complete || destroyed || socket.destroyed) {
      this.#finish();
      return;
    }
    this.#req.once('close', () => {
      this.#finish();
    });
    this.#awaitSocket();
  }

  #awaitSocket(): void {
    this.#listeners.push(
      onceClosed(this.#req.socket, () => {
        this.#finish();
      }),
    );
  }

  #finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    const { socket } = this.#req;
    // It now serves other clients: end() will not close it.
    if (this.#isPaused && !socket.destroyed) socket.resume();
    for (const listener of this.#listeners) listener();
  }

  pause(): void {
    this.#isPaused = true;
    this.#req.socket.pause();
  }

  end(): void {
    endSocket(this.#req.socket);
    // node:http does not report to an answered request that its socket was closed.
    this.#req.destroy();
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }
}

const awaited = new WeakMap<Duplex, Set<() => void>>();

/**
 * Calls a listener when a socket closes. Adds only one listener to the socket, however many requests wait on it.
 * @returns A function that removes the listener.
 */
function onceClosed(socket: Duplex, listener: () => void): () => void {
  let listeners = awaited.get(socket);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    listeners = all;
    awaited.set(socket, all);
    socket.once('close', () => {
      for (const each of all) each();
    });
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
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

/** An HTTP/2 stream, which is ended with CANCEL (RFC 9113 section 7). */
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
