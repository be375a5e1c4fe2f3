/**
 * What the gate reports about clients and their requests.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Refusal } from '../judgement/refusal.js';
import { type EventSink } from '../logger.js';

/** A client was admitted. */
export interface AuthenticatedEvent {
  /** The identity of the client. */
  readonly identity: ClientIdentity;
  /** The IP address of the client, IPv4 in IPv4 notation; `'unknown address'` if the socket has none. */
  readonly remoteAddress: string;
}

/**
 * A client was refused at its handshake.
 * @example
 * ```ts
 * server.mtls.on('refused', ({ identity, reason, detail, remoteAddress }) => {
 *   console.log(identity?.commonName, reason, detail, remoteAddress);
 * });
 * ```
 */
export interface RefusedEvent extends Refusal {
  /** The identity in the certificate; `undefined` if there is no certificate or it cannot be parsed. */
  readonly identity: ClientIdentity | undefined;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  /** The TLS version, such as `'TLSv1.3'`; `undefined` if the connection was closed before it could be read. */
  readonly tlsVersion: string | undefined;
  /** Whether the connection resumed an earlier TLS session. */
  readonly resumed: boolean;
}

/**
 * An open connection was closed.
 * @example
 * ```ts
 * server.mtls.on('evicted', ({ identity, reason, since }) => {
 *   console.log(`${identity?.commonName}, connected since ${since.toISOString()}: ${reason}`);
 * });
 * ```
 */
export interface EvictedEvent extends Refusal {
  /** The identity of the client; `undefined` for a client without a certificate. */
  readonly identity: ClientIdentity | undefined;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  /** When the client was admitted. */
  readonly since: Date;
}

/**
 * The rule of a route or an upgrade forbade a request, which was answered with 403.
 * @example
 * ```ts
 * server.mtls.on('forbidden', ({ identity, method, url, rule }) => {
 *   console.log(`${identity.commonName}: ${method} ${url} is forbidden by ${rule}`);
 * });
 * ```
 */
export interface ForbiddenEvent {
  /** The identity of the client. */
  readonly identity: ClientIdentity;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  /** The method of the request, such as `'GET'`. */
  readonly method: string | undefined;
  /** The URL of the request, at most 200 characters. */
  readonly url: string | undefined;
  /** The rule: `{ commonName: "client1" }`. At most 200 characters. */
  readonly rule: string;
  /** The parts of the rule that forbid the request, or may: `['commonName']`. */
  readonly refusedBy: readonly string[];
}

/** The events of the gate, by name. */
export interface GateEvents {
  /** A client was admitted. */
  authenticated: [AuthenticatedEvent];
  /** A client was refused at its handshake. */
  refused: [RefusedEvent];
  /** An open connection was closed. */
  evicted: [EvictedEvent];
  /** A rule forbade a request or an upgrade. */
  forbidden: [ForbiddenEvent];
}

/** A rule threw or rejected, and the request was forbidden. */
export interface RuleFailedEvent {
  /** The identity of the client. */
  readonly identity: ClientIdentity | undefined;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  readonly error: unknown;
  readonly method: string | undefined;
  /** The URL of the request, at most 200 characters. */
  readonly url: string | undefined;
}

/** A request failed because of a fault of the server: an error with status 500. */
export interface RequestFailedEvent extends RuleFailedEvent {
  readonly error: MtlsError;
}

/** What the gate reports only to the log, by name. */
export interface GateNotices {
  /** The gate itself failed, and refused the client. */
  'gate-failed': [{ readonly error: unknown }];
  /** Handshakes were dropped within a minute, because more than `limit` were pending. */
  'handshakes-dropped': [{ readonly dropped: number; readonly limit: number }];
  'rule-failed': [RuleFailedEvent];
  'request-failed': [RequestFailedEvent];
  /** A client sent HTTP without TLS. */
  'plain-http': [Pick<RuleFailedEvent, 'remoteAddress'>];
  /** The status page was requested, but no rule guards it. */
  'status-unguarded': [Pick<RuleFailedEvent, 'identity' | 'remoteAddress'>];
}

/** Where the gate reports. */
export interface GateReporter extends EventSink<GateEvents & GateNotices> {
  /** Whether an event has a subscriber or a listener. */
  isHeard(name: keyof GateEvents): boolean;
}
