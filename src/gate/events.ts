/**
 * What the gate tells of those who come, and whom it tells.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { abbreviate, type Refusal } from '../judgement/refusal.js';
import { type LineWriter } from '../logger.js';

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

/** Whom the gate tells. */
export interface GateReporter extends LineWriter {
  /** Whether there is a logger. Without one, no line is built. */
  readonly isLogging: boolean;
  /** Whether an event has a subscriber or a listener. */
  isHeard(name: keyof GateEvents): boolean;
  /** Tells of an event. */
  emit<Name extends keyof GateEvents>(name: Name, ...args: GateEvents[Name]): void;
}

/** Who a log line is about. pino escapes the values; nothing here does. */
export function describeIdentity(identity: ClientIdentity | undefined): object {
  if (identity === undefined) return {};
  const { commonName, subject, issuer, serialNumber, fingerprint256 } = identity;
  return {
    commonName,
    subject: abbreviate(subject),
    issuer: abbreviate(issuer),
    serialNumber: abbreviateSerial(serialNumber),
    fingerprint256,
  };
}

/** `CN=client2, serial 1002, 127.0.0.1`: who, in a log line's message. */
export function nameIdentity(identity: ClientIdentity | undefined, remoteAddress: string): string {
  if (identity === undefined) return remoteAddress;
  const subject = identity.subject.isEmpty ? 'no subject' : abbreviate(identity.subject);
  return `${subject}, serial ${abbreviateSerial(identity.serialNumber)}, ${remoteAddress}`;
}

// RFC 5280 section 4.1.2.2 allows 20 octets; nothing stops a CA, or a stranger, from having more.
function abbreviateSerial(serialNumber: string): string {
  return serialNumber.slice(0, 64);
}
