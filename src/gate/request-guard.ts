/**
 * Judges the client of each request before any listener of the server, even one that is added later: no listener sees a
 * request of a client that is no longer admitted, whether or not it uses the identity.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { MtlsError } from '../errors.js';
import { type Refusal, refusalError } from '../judgement/refusal.js';
import { type Connection, connectionOf, judgeRequest } from './connection.js';
import { guardBody, guardData, guardEvents, ignore, type Pass } from './data-guard.js';
import { receiveRequest, receiveStream, receiveUpgrade } from './forwarded-request.js';
import { answerProblem, answerTimeoutMs, endWithProblem } from './problem.js';
import { type ProxyGate } from './proxy-gate.js';
import { answerStream } from './refusal-responder.js';
import { requestedHosts } from './requested-hosts.js';

/** The gate's decisions about sockets. */
export interface SocketGuard {
  /** Identifies the clients of requests through proxies; `undefined` if no proxy is trusted. */
  readonly proxies: ProxyGate | undefined;
  /** Called for each accepted connection, before its handshake. Returns `true`. */
  accept(socket: Socket): true;
  /**
   * Judges a socket whose handshake is done. Only an admitted socket reaches listeners: the HTTP parser, and those of
   * the app.
   */
  admit(socket: TLSSocket): boolean;
}

/** Guards a server whose connections the gate judges. */
export function guardServer(server: Server, guard: SocketGuard): void {
  const { proxies } = guard;
  const passes = passesFor(proxies);
  guardEvents(
    server,
    new Map<string, Pass>([
      ['connection', (socket: Socket) => guard.accept(socket)],
      ['secureConnection', (socket: TLSSocket) => guard.admit(socket) && passSocket(server, socket)],
      ['request', passes.request],
      ['checkContinue', passes.request],
      ['checkExpectation', passes.request],
      // Behind proxies it has not been attributed to a client, and its headers are still there.
      ['dropRequest', (req: IncomingMessage) => proxies === undefined && passDropped(req)],
      ['upgrade', passes.upgrade],
      ['connect', passes.upgrade],
      ['session', (session: ServerHttp2Session) => passSession(session, proxies)],
    ]),
  );
}

/** With proxies, a request gets its own connection before it is judged. */
function passesFor(proxies: ProxyGate | undefined): {
  readonly request: typeof passRequest;
  readonly upgrade: typeof passUpgrade;
} {
  if (proxies === undefined) return { request: passRequest, upgrade: passUpgrade };
  return {
    request: (req, res) => {
      receiveRequest(proxies, req, res);
      return passRequest(req, res);
    },
    upgrade: (req, socket) => {
      receiveUpgrade(proxies, req, socket);
      return passUpgrade(req, socket);
    },
  };
}

/** Without HTTP, data goes to listeners of the socket. An HTTP parser reads from the underlying handle instead. */
function passSocket(server: Server, socket: TLSSocket): true {
  const connection = server instanceof HttpsServer ? undefined : connectionOf(socket);
  if (connection !== undefined) guardData(socket, connection);
  return true;
}

function passRequest(req: IncomingMessage, res: ServerResponse): boolean {
  const isPassed = pass(req, {
    refuse: (connection, refusal) => {
      res.on('error', ignore);
      // A proxy's connection also carries the requests of other clients.
      if (!connection.isForwarded)
        res.once('close', () => {
          connection.evict(refusal);
        });
      if (connection.isForwarded && req.headers.expect === undefined) readToEnd(req);
      // HTTP/2 responses do not have this property.
      else if ('shouldKeepAlive' in res) res.shouldKeepAlive = false;
      answerProblem(res, refusalError(refusal), refusal.reason);
    },
    redirect: (error) => {
      answerProblem(res, error);
    },
  });
  const connection = isPassed && (hasBody(req) || hasStreamBody(req)) ? connectionOf(req) : undefined;
  if (connection !== undefined) guardBody(req, connection);
  return isPassed;
}

/** Node answers such a request with 503 itself: it exceeds `server.maxRequestsPerSocket`. */
function passDropped(req: IncomingMessage): boolean {
  const connection = connectionOf(req);
  return connection !== undefined && judgeRequest(req, connection) === undefined;
}

/**
 * A proxy's connection also carries the requests of other clients, and a proxy that cannot send the whole body reports a
 * fault of the app in place of the response. Therefore node:http reads and discards the rest of the body, for a limited
 * time.
 */
function readToEnd(req: IncomingMessage): void {
  if (!hasBody(req)) return;
  // Once the whole body has arrived, the socket may carry other requests.
  const limit = setTimeout(() => {
    if (!req.complete) req.socket.destroy();
  }, answerTimeoutMs);
  // A request whose response has been sent emits no event when its connection ends.
  limit.unref();
  req.once('close', () => {
    clearTimeout(limit);
  });
}

/** Whether an HTTP/2 request has a body, of which node:http2 keeps a part in the request. */
function hasStreamBody(req: IncomingMessage): boolean {
  const { stream } = req as { readonly stream?: ServerHttp2Stream };
  return req.httpVersionMajor >= 2 && stream?.endAfterHeaders === false;
}

/** Whether an HTTP/1 request has a body. An HTTP/2 body belongs to the stream. */
function hasBody({ httpVersionMajor, headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  return httpVersionMajor === 1 && (length !== '0' || coding !== undefined);
}

/** A refused client gets no response, because its socket no longer speaks HTTP. A proxy gets one for its client. */
function passUpgrade(req: IncomingMessage, socket: Duplex): boolean {
  const isPassed = pass(req, {
    refuse: (connection, refusal) => {
      if (!connection.isForwarded) {
        connection.evict(refusal);
        return;
      }
      socket.on('error', ignore);
      endWithProblem(socket, refusalError(refusal), req.method, () => socket.destroy());
    },
    redirect: (error) => {
      socket.on('error', ignore);
      endWithProblem(socket, error, req.method, () => socket.destroy());
    },
  });
  const connection = connectionOf(req);
  if (isPassed && connection !== undefined) {
    guardData(socket, connection);
    // Some releases of Node emit the event before the body has arrived.
    if (hasBody(req)) guardBody(req, connection);
  }
  return isPassed;
}

/** What happens to a request that no listener sees. */
interface Outcomes {
  readonly refuse: Answer;
  /** For a request that belongs on a connection under another server name. */
  readonly redirect: (error: MtlsError) => void;
}

function pass(req: IncomingMessage, { refuse, redirect }: Outcomes): boolean {
  const connection = connectionOf(req);
  const refusal = connection && judgeRequest(req, connection);
  if (connection === undefined || refusal !== undefined) return turnAway(req, refuse, connection, refusal);
  if (connection.isNamed && isMisdirected(req, connection)) {
    redirect(misdirected());
    return false;
  }
  connection.recall();
  return true;
}

function isMisdirected(req: IncomingMessage, connection: Connection): boolean {
  const hosts = requestedHosts(req);
  return !hosts?.every((host) => connection.serves(host));
}

function misdirected(): MtlsError {
  return new MtlsError('ERR_MTLS_REQUEST_MISDIRECTED', {
    seen: 'the Host of the request does not belong to the server name of the handshake',
    remedy: 'connect to that host',
  });
}

/** Judges the streams of an HTTP/2 session: only those that pass reach listeners of the session and the server. */
function passSession(session: ServerHttp2Session, proxies: ProxyGate | undefined): boolean {
  const connection = session.destroyed ? undefined : connectionOf(session.socket);
  const pass = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: string[],
  ): boolean => {
    const own = proxies && receiveStream(proxies, stream, headers, rawHeaders, connection);
    return passStream(stream, headers, own ?? connection);
  };
  guardEvents(session, new Map<string, Pass>([['stream', pass]]));
  return connection !== undefined && connection.check() === undefined;
}

function passStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  connection: Connection | undefined,
): boolean {
  const refusal = connection?.check();
  if (connection !== undefined && refusal === undefined) {
    if (!stream.endAfterHeaders) guardData(stream, connection);
    return true;
  }
  // No other listener gets the stream, and an unhandled error would end the process.
  stream.on('error', ignore);
  const answer: Answer = (open, reason) => {
    stream.once('close', () => {
      open.evict(reason);
    });
    answerStream(stream, reason, headers[':method']);
  };
  return turnAway(stream, answer, connection, refusal);
}

/** Answers a client with the reason for its refusal. */
type Answer = (connection: Connection, refusal: Refusal) => void;

/** Answers a refused request. If that fails, or if there is no connection, it is destroyed. */
function turnAway(
  subject: { destroy(): unknown },
  answer: Answer,
  connection: Connection | undefined,
  refusal: Refusal | undefined,
): false {
  if (connection === undefined || refusal === undefined) {
    subject.destroy();
    return false;
  }
  try {
    answer(connection, refusal);
  } catch {
    connection.evict(refusal);
    subject.destroy();
  }
  return false;
}
