/**
 * The connection of one client: its identity, and whether it is still admitted. It is stored on the socket under a
 * symbol, which the socket proxies of node:http2 pass on.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Refusal } from '../judgement/refusal.js';
import { type GateReporter } from './events.js';

/**
 * Two copies of this package must find each other's connections. The number changes with what {@link Connection} means:
 * a copy that would misread a connection finds none, and refuses.
 */
const connectionKey = Symbol.for('express-mtls.connection.1');

/** A connection that the gate has admitted. */
export interface Connection {
  /** `undefined` for a caller without a certificate, with `clients: 'optional'`. */
  readonly identity: ClientIdentity | undefined;
  readonly remoteAddress: string;
  readonly since: Date;
  /**
   * Judges the client again: in O(1) as long as nothing was reloaded and no date has passed.
   * @returns Why the client is no longer admitted; `undefined` while it is.
   */
  check(): Refusal | undefined;
  /** Reads what reports need from the socket while it is open: a closed socket has no address. */
  recall(): void;
  /** Whether the host of each request matters, because some names of the server have their own CAs and CRLs. */
  readonly isNamed: boolean;
  /** Whether a host belongs to the server name under which the client was judged. */
  serves(host: string): boolean;
  /** Ends the connection with all its requests and streams; behind a proxy, only what this client has open. */
  evict(refusal: Refusal): void;
  /** The intermediates that the client sent and that its certification path needed, in DER. */
  readonly intermediates: readonly Buffer[];
  /** Whether the socket is a proxy's and also carries other clients' requests: it stays open if one is refused. */
  readonly isForwarded: boolean;
  /** Whether its requests may have connections of their own, because it is a proxy's or may be. */
  readonly mayForward: boolean;
  /** Where events about its requests are reported. */
  readonly reporter: Pick<GateReporter, 'emit'>;
}

type Carrier = object & { [connectionKey]?: Connection };

/** A connection that the gate judges again after reloads and when dates pass. */
export interface KeptConnection extends Connection {
  /** Until when the last verdict is valid if nothing is reloaded, in milliseconds since 1970. */
  until: number;
  /**
   * Stops reading from the connection, which will be ended.
   * @returns Whether this call stopped it, and not an earlier one.
   */
  condemn(refusal: Refusal): boolean;
  /** Closes the connection. */
  end(): void;
  /** The identity for reports: that of the client or of the proxy. */
  readonly reported: ClientIdentity | undefined;
  /** Whether it is known to be a proxy's: by its certificate, or by a request on it. */
  readonly isOfProxy: boolean;
}

/** The address of a socket's peer. An IPv4-mapped IPv6 address is returned in IPv4 notation. */
export function remoteAddressOf({ remoteAddress }: Socket): string {
  if (remoteAddress === undefined) return 'unknown address';
  return remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.')
    ? remoteAddress.slice('::ffff:'.length)
    : remoteAddress;
}

/** Stores a connection on its socket, or on a request or stream that has its own connection. */
export function setConnection(socket: object, connection: Connection): void {
  const carrier: Carrier = socket;
  carrier[connectionKey] = connection;
}

/** A request, with the identity that the gate sets. */
export interface IdentifiedRequest {
  readonly socket: Socket;
  clientIdentity?: ClientIdentity | undefined;
}

/**
 * Judges the client of a request and sets `req.clientIdentity`. No other function does either. It is called before any
 * listener sees the request, and again by each guard: in O(1) as long as nothing was reloaded and no date has passed.
 * @param connection - The connection of the request.
 * @returns Why the client is refused; the request then has no identity.
 */
export function judgeRequest(req: IdentifiedRequest, connection: Connection): Refusal | undefined {
  const refusal = connection.check();
  const identity = refusal === undefined ? connection.identity : undefined;
  // Written only if it differs: adding a property to an Express request takes a microsecond.
  if (identity !== req.clientIdentity) req.clientIdentity = identity;
  return refusal;
}

/** The connection of a request or a socket; `undefined` if no gate has admitted it. */
export function connectionOf(
  reqOrSocket: IncomingMessage | Http2ServerRequest | Socket,
): Connection | undefined {
  const carrier: Carrier & { readonly socket?: Carrier; readonly stream?: Carrier } = reqOrSocket;
  try {
    // The socket of a request first: finding that the request itself has no such property searches all its prototypes.
    const below = carrier.socket?.[connectionKey];
    if (below?.mayForward === true) return carrier[connectionKey] ?? carrier.stream?.[connectionKey] ?? below;
    return below ?? carrier[connectionKey];
  } catch {
    // Reading the socket of an HTTP/2 session that has ended throws.
    return undefined;
  }
}

/**
 * Returns the identity of the client, where no middleware runs: in `'upgrade'` listeners, WebSocket servers and other
 * frameworks. Judges the client again, in O(1) unless something was reloaded or a date has passed.
 * @param reqOrSocket - A request of `node:http` or `node:http2`, or its TLS socket. Behind proxies, give the request: the
 *   socket of a proxy has no identity, because its requests are those of many clients.
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
