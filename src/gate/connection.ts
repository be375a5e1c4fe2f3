/**
 * One client's connection: who it is, and whether that still holds. It stands on
 * the socket under a symbol, which HTTP/2's proxies of the socket let through.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Refusal } from '../judgement/refusal.js';
import { type GateReporter } from './events.js';

/** Two copies of this package must find each other's connections. */
const connectionKey = Symbol.for('express-mtls.connection');

/** What the gate knows of a connection that it let through. */
export interface Connection {
  /** `undefined`: an anonymous caller, where clients are optional. */
  readonly identity: ClientIdentity | undefined;
  readonly remoteAddress: string;
  readonly since: Date;
  /**
   * Judges again: in O(1) as long as nothing was reloaded and no date has passed.
   * @returns Why the client is no longer admitted; `undefined` while it is.
   */
  check(): Refusal | undefined;
  /** Reads now what a report needs of the socket: a closed one has no address. */
  recall(): void;
  /** Whether it matters which host a request names: some names of the server have a policy of their own. */
  readonly isNamed: boolean;
  /** Whether a host is under the policy that the client was judged by. */
  serves(host: string): boolean;
  /** Ends the connection, and with it every request and stream on it; of a client behind a proxy what it has open. */
  evict(refusal: Refusal): void;
  /** What came with the client's certificate and was needed, DER. */
  readonly intermediates: readonly Buffer[];
  /** Whether the socket is a proxy's, and carries requests of others too: it stays open when one of them is refused. */
  readonly isForwarded: boolean;
  /** Whether requests on it may have connections of their own: it is a proxy's, or may be. */
  readonly mayForward: boolean;
  /** Where what becomes of its requests is reported. */
  readonly reporter: Pick<GateReporter, 'emit'>;
}

type Carrier = object & { [connectionKey]?: Connection };

/** A connection that the gate keeps an eye on. */
export interface KeptConnection extends Connection {
  /** Until when the last judgement holds if nothing is reloaded, in milliseconds since 1970. */
  until: number;
  /**
   * Stops reading from what is to be ended.
   * @returns Whether this call is the one that did.
   */
  condemn(refusal: Refusal): boolean;
  /** Closes it. */
  end(): void;
  /** What it is reported with when it is ended. */
  readonly reported: ClientIdentity | undefined;
}

/** Where a socket's peer is, IPv4 as IPv4 on a socket that serves both. */
export function remoteAddressOf({ remoteAddress }: Socket): string {
  if (remoteAddress === undefined) return 'unknown address';
  return remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.')
    ? remoteAddress.slice('::ffff:'.length)
    : remoteAddress;
}

/** Puts a connection on its socket, or on a request or stream that has one of its own. */
export function setConnection(socket: object, connection: Connection): void {
  const carrier: Carrier = socket;
  carrier[connectionKey] = connection;
}

/** A request, and what the gate puts on it. */
export interface IdentifiedRequest {
  readonly socket: Socket;
  clientIdentity?: ClientIdentity | undefined;
}

/**
 * Judges the client of a request, and puts its identity on the request: nothing else does either. It is called before
 * any listener sees the request, and again by each guard: in O(1) as long as nothing was reloaded and no date has passed.
 * @param connection - That of the request.
 * @returns Why the client may not go on; then the request has no identity.
 */
export function judgeRequest(req: IdentifiedRequest, connection: Connection): Refusal | undefined {
  const refusal = connection.check();
  const identity = refusal === undefined ? connection.identity : undefined;
  // Read before it is written: on a request of Express, to add a property takes a microsecond.
  if (identity !== req.clientIdentity) req.clientIdentity = identity;
  return refusal;
}

/** The connection of a request or a socket; `undefined` where no gate has let it through. */
export function connectionOf(
  reqOrSocket: IncomingMessage | Http2ServerRequest | Socket,
): Connection | undefined {
  const carrier: Carrier & { readonly socket?: Carrier; readonly stream?: Carrier } = reqOrSocket;
  try {
    // A request first: to find that it has no such property itself takes a walk along its prototypes.
    const below = carrier.socket?.[connectionKey];
    if (below?.mayForward === true) return carrier[connectionKey] ?? carrier.stream?.[connectionKey] ?? below;
    return below ?? carrier[connectionKey];
  } catch {
    // An HTTP/2 session that has ended throws when it is asked for its socket.
    return undefined;
  }
}

/**
 * Returns the identity of the client, where no middleware runs: in `'upgrade'` listeners, WebSocket servers and other
 * frameworks. Judges the client again, in O(1) unless something was reloaded or a date has passed.
 * @param reqOrSocket - A request of `node:http` or `node:http2`, or its TLS socket.
 * @returns The identity; `undefined` for a caller without a certificate, for a client that is no longer admitted, and
 *   on a server without the gate.
 * @example
 * ```ts
 * sockets.on('connection', (socket, req) => {
 *   socket.send(`hello ${identify(req)?.commonName ?? 'stranger'}`);
 * });
 * ```
 */
export function identify(
  reqOrSocket: IncomingMessage | Http2ServerRequest | Socket,
): ClientIdentity | undefined {
  const connection = connectionOf(reqOrSocket);
  return connection?.check() === undefined ? connection?.identity : undefined;
}
