/**
 * How many clients there are, how often each asks, and how often what changes.
 *
 * @module
 */

/** How a client talks to the server, in the order in which roles take them in turn. */
export const connectionKinds = [
  'keep-alive',
  'reconnecting',
  'resuming',
  'http2',
  'websocket',
  'beside-sni',
  'sni',
  'sni-reconnecting',
] as const;
export type ConnectionKind = (typeof connectionKinds)[number];

/** Those that ask for a name of `sni`, and are judged by its CA alone; `beside-sni` asks the same server for its own. */
export const namedKinds: readonly ConnectionKind[] = ['sni', 'sni-reconnecting'];
export const unnamedKinds: readonly ConnectionKind[] = connectionKinds.filter((kind) => !isNamed(kind));

/** Whether a client asks for the name of `sni`. */
export function isNamed(kind: ConnectionKind): boolean {
  return namedKinds.includes(kind);
}

/** `good` is served from beginning to end; each of the others is out at some time, for its own reason. */
export type Role = 'good' | 'revoked' | 'expiring' | 'guest';

/** Clients that are served from beginning to end. */
export const goodClients: Readonly<Record<ConnectionKind, number>> = {
  'keep-alive': 100,
  reconnecting: 20,
  resuming: 10,
  http2: 5,
  websocket: 5,
  'beside-sni': 5,
  sni: 5,
  'sni-reconnecting': 5,
};

/** How many there are at any time of the others. One that is out makes room for a new one after a while. */
export const otherClients: Readonly<Record<Exclude<Role, 'good'>, number>> = {
  revoked: 10,
  expiring: 5,
  guest: 6,
};

/** How many more there are under the name of `sni` that are revoked. */
export const revokedUnderSni = 4;

/** Milliseconds between two requests of a good client, so that two cores bear all of them. */
export const goodPaceMs: Readonly<Record<ConnectionKind, number>> = {
  'keep-alive': 1000,
  reconnecting: 1000,
  resuming: 1000,
  http2: 500,
  websocket: 500,
  'beside-sni': 500,
  sni: 500,
  'sni-reconnecting': 1000,
};

/** The same of the others, which ask more often, so that it is seen when they are out. */
export const otherPaceMs: Readonly<Record<ConnectionKind, number>> = {
  'keep-alive': 100,
  reconnecting: 300,
  resuming: 300,
  http2: 100,
  websocket: 100,
  'beside-sni': 100,
  sni: 100,
  'sni-reconnecting': 300,
};

/** Milliseconds until a client that was turned away tries again. */
export const retryPaceMs = 500;

/** Milliseconds between two changes of a kind. */
export const changeEveryMs = {
  crl: 1000,
  keyAndCertificate: 5000,
  /** Added and removed in turn: each once in 20 s. */
  guestCa: 10_000,
  brokenSource: 3000,
  brokenServerName: 3000,
  /** How long the pair of the server is broken before it is renewed. */
  brokenPair: 1500,
} as const;

/** How much later a change other than of the CRL may come, at random: it is to meet every moment of the others. */
export const jitterMs = 1000;

/** For how long after a change both outcomes count as right, in milliseconds. */
export const graceMs = 1000;

/** How long an expiring certificate lives, about, in milliseconds. */
export const expiringLifeMs = 12_000;

/** How long a client goes on trying after it is out, before a new one takes its place, in milliseconds. */
export const outForMs = 12_000;

/** The most that resident memory may grow, in MB a minute. */
export const steepestSlope = 1;

/** From how many seconds on a run's slope means something. */
export const slopeFromSeconds = 180;

/** For how many seconds of a run memory may still grow: a fifth, at least a minute, at most half of the run. */
export function warmUpSeconds(seconds: number): number {
  return Math.min(Math.max(seconds / 5, 60), seconds / 2);
}
