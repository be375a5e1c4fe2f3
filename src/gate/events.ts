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
  /** Who it is. */
  readonly identity: ClientIdentity;
  /** Its IP address, IPv4 as IPv4; `'unknown address'` where the socket has none. */
  readonly remoteAddress: string;
}

/** A client was refused at its handshake. */
export interface RefusedEvent extends Refusal {
  /** Who its certificate says it is; `undefined` where there is none, or none that can be read. */
  readonly identity: ClientIdentity | undefined;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  /** `'TLSv1.3'`; `undefined` where the connection was gone before it could be asked. */
  readonly tlsVersion: string | undefined;
  /** Whether it came with the session of an earlier connection. */
  readonly resumed: boolean;
}

/** An open connection was ended. */
export interface EvictedEvent extends Refusal {
  /** Whose it was; `undefined` for a caller without a certificate. */
  readonly identity: ClientIdentity | undefined;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  /** When it was admitted. */
  readonly since: Date;
}

/** The rule of a route, or of an upgrade, did not admit a client: it was answered 403. */
export interface ForbiddenEvent {
  /** Who it is. */
  readonly identity: ClientIdentity;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  /** `'GET'`. */
  readonly method: string | undefined;
  /** At most 200 characters of it. */
  readonly url: string | undefined;
  /** What the rule is: `{ commonName: "client1" }`. At most 200 characters. */
  readonly rule: string;
  /** The parts of the rule that refuse, or may: `['commonName']`. */
  readonly refusedBy: readonly string[];
}

/** The events of the gate, by name. */
export interface GateEvents {
  /** A client was admitted. */
  authenticated: [AuthenticatedEvent];
  /** A client was refused at its handshake. */
  refused: [RefusedEvent];
  /** An open connection was ended. */
  evicted: [EvictedEvent];
  /** A rule answered a request, or an upgrade, with 403. */
  forbidden: [ForbiddenEvent];
}

/** A rule threw or rejected, and the request was refused. */
export interface RuleFailedEvent {
  /** Whose request it was. */
  readonly identity: ClientIdentity | undefined;
  /** As in {@link AuthenticatedEvent}. */
  readonly remoteAddress: string;
  readonly error: unknown;
  readonly method: string | undefined;
  /** At most 200 characters of it. */
  readonly url: string | undefined;
}

/** A request met a fault of the server's own: an error with status 500. */
export interface RequestFailedEvent extends RuleFailedEvent {
  readonly error: MtlsError;
}

/** What the gate reports for the log alone, by name. */
export interface GateNotices {
  /** The gate itself failed, and refused the client. */
  'gate-failed': [{ readonly error: unknown }];
  /** Handshakes were dropped within a minute, because there were more than `limit` at once. */
  'handshakes-dropped': [{ readonly dropped: number; readonly limit: number }];
  'rule-failed': [RuleFailedEvent];
  'request-failed': [RequestFailedEvent];
  /** A client sent HTTP without TLS. */
  'plain-http': [Pick<RuleFailedEvent, 'remoteAddress'>];
  /** The status page was asked for, and no rule stands before it. */
  'status-unguarded': [Pick<RuleFailedEvent, 'identity' | 'remoteAddress'>];
}

/** Where the gate reports. */
export interface GateReporter extends EventSink<GateEvents & GateNotices> {
  /** Whether an event has a subscriber or a listener. */
  isHeard(name: keyof GateEvents): boolean;
}
