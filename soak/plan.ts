/**
 * The number of clients, their request rates, and the intervals of changes.
 *
 * @module
 */
import type { Sending } from '../bench/load/busy-connections.js';

/** The kinds of connection, in the order in which roles alternate between them. */
export const connectionKinds = [
  'keep-alive',
  'reconnecting',
  'resuming',
  'http2',
  'websocket',
  'beside-sni',
  'sni',
  'sni-reconnecting',
  'proxied',
  'proxied-websocket',
  'redis',
  'redis-reconnecting',
  'http',
  'http-reconnecting',
] as const;
export type ConnectionKind = (typeof connectionKinds)[number];

/**
 * The kinds that request a name in `sni`, whose CA alone decides. `beside-sni` uses the same server without that
 * name.
 */
export const namedKinds: readonly ConnectionKind[] = ['sni', 'sni-reconnecting'];
/** The kinds of the servers that read the CRL of their clients' CA from Redis, and over HTTP. */
export const redisKinds: readonly ConnectionKind[] = ['redis', 'redis-reconnecting'];
export const httpKinds: readonly ConnectionKind[] = ['http', 'http-reconnecting'];
/** The kinds whose clients are of the CAs of the server. */
export const ordinaryKinds: readonly ConnectionKind[] = connectionKinds.filter(
  (kind) => ![...namedKinds, ...redisKinds, ...httpKinds].includes(kind),
);

/** Whether a client requests the name in `sni`. */
export function isNamed(kind: ConnectionKind): boolean {
  return namedKinds.includes(kind);
}

/** Whether a client comes through nginx. */
export function isProxied(kind: ConnectionKind): boolean {
  return kind === 'proxied' || kind === 'proxied-websocket';
}

/** `good` is served throughout; each of the others is refused at some point, for its own reason. */
export type Role = 'good' | 'revoked' | 'expiring' | 'guest';

/** The number of clients that are served throughout. */
export const goodClients: Readonly<Record<ConnectionKind, number>> = {
  'keep-alive': 100,
  reconnecting: 20,
  resuming: 10,
  http2: 5,
  websocket: 5,
  'beside-sni': 5,
  sni: 5,
  'sni-reconnecting': 5,
  proxied: 10,
  'proxied-websocket': 5,
  redis: 3,
  'redis-reconnecting': 2,
  http: 3,
  'http-reconnecting': 2,
};

/** The number of other clients at any time. A refused client is replaced by a new one after a while. */
export const otherClients: Readonly<Record<Exclude<Role, 'good'>, number>> = {
  revoked: 10,
  expiring: 5,
  guest: 6,
};

/** The number of additional clients under the name in `sni` that are revoked. */
export const revokedUnderSni = 4;

/** The number of additional clients of each of the servers with a remote CRL that are revoked. */
export const revokedRemotely = 2;

/** Milliseconds between requests of a good client, chosen so that two cores can handle all of them. */
export const goodPaceMs: Readonly<Record<ConnectionKind, number>> = {
  'keep-alive': 1000,
  reconnecting: 1000,
  resuming: 1000,
  http2: 500,
  websocket: 500,
  'beside-sni': 500,
  sni: 500,
  'sni-reconnecting': 1000,
  proxied: 500,
  'proxied-websocket': 500,
  redis: 500,
  'redis-reconnecting': 1000,
  http: 500,
  'http-reconnecting': 1000,
};

/** The same for the other clients, which send more often to detect when they are refused. */
export const otherPaceMs: Readonly<Record<ConnectionKind, number>> = {
  'keep-alive': 100,
  reconnecting: 300,
  resuming: 300,
  http2: 100,
  websocket: 100,
  'beside-sni': 100,
  sni: 100,
  'sni-reconnecting': 300,
  proxied: 100,
  'proxied-websocket': 100,
  redis: 100,
  'redis-reconnecting': 300,
  http: 100,
  'http-reconnecting': 300,
};

/** Milliseconds until a refused client tries again. */
export const retryPaceMs = 500;

/** Milliseconds between two changes of one kind. */
export const changeEveryMs = {
  crl: 1000,
  keyAndCertificate: 5000,
  /** Added and removed in turn: each once in 20 s. */
  guestCa: 10_000,
  brokenSource: 3000,
  brokenServerName: 3000,
  /** How long the pair of the server is broken before it is renewed. */
  brokenPair: 1500,
  overload: 14_000,
  remoteCrl: 2000,
} as const;

/** How long Redis or a mirror is down, in milliseconds. */
export const outageMs = 1000;

/** How often a server reads Redis without a notice, and at least asks for a CRL over HTTP, in milliseconds. */
export const redisPollMs = 400;
export const httpRefreshMs = 500;

/** How one client keeps a server of its own busy. */
export interface Overload {
  readonly name: string;
  readonly connections: number;
  readonly sending: Sending;
  /** How long the handler blocks the event loop for each request or message, in milliseconds. */
  readonly handleMs: number;
}

/** The loads, in the order in which they take turns. */
export const overloads: readonly Overload[] = [
  {
    name: '20 connections with 50 pipelined requests of 1 ms each',
    connections: 20,
    sending: { pipelined: 50 },
    handleMs: 1,
  },
  {
    name: '50 connections with 100 pipelined requests of 1 ms each',
    connections: 50,
    sending: { pipelined: 100 },
    handleMs: 1,
  },
  {
    name: '100 WebSockets with 100 messages a second of 0.2 ms each',
    connections: 100,
    sending: { everyMs: 10 },
    handleMs: 0.2,
  },
];

/** How long a load lasts before its client is revoked, in milliseconds. */
export const overloadMs = 1500;

/** How long the connections of a revoked client may stay open before the run is given up, in milliseconds. */
export const overloadLimitMs = 20_000;

/** The maximum random delay of changes other than to the CRL, so that changes coincide in every way. */
export const jitterMs = 1000;

/** How long after a change both outcomes are acceptable, in milliseconds. */
export const graceMs = 1000;

/** The approximate lifetime of an expiring certificate, in milliseconds. */
export const expiringLifeMs = 12_000;

/** How long a refused client keeps trying before a new one replaces it, in milliseconds. */
export const outForMs = 12_000;

/** The maximum growth of resident memory, in MB per minute. */
export const steepestSlope = 1;

/** The minimum duration of a run for a meaningful slope, in seconds. */
export const slopeFromSeconds = 180;

/** The seconds in which memory may still grow: a fifth of the run, at least a minute, at most half. */
export function warmUpSeconds(seconds: number): number {
  return Math.min(Math.max(seconds / 5, 60), seconds / 2);
}

/** The minimum duration of a run in which every fault has its turn, in seconds. */
export const allFaultsFromSeconds = 60;
