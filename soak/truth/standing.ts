/**
 * The expected standing of one client: when it must be served, when it must be refused, and when both are acceptable.
 * Times are `machineTime()`.
 *
 * @module
 */
import { type ConnectionKind, graceMs, type Role } from '../plan.js';

/** Why a client is refused. */
export type Cause = 'revoked' | 'expired' | 'CA removed';

/** Revocation under the name in `sni`, whose CA has its own CRL. */
export const underSni = 'under a name of sni';

/** Revocation by a CRL of a CA that publishes it to Redis, or over HTTP. */
export const inRedis = 'in Redis';
export const overHttp = 'over HTTP';

/** A period in which a client is admitted, from the earliest to the latest possible moment. */
interface Period {
  readonly mayBeInFrom: number;
  mustBeInFrom: number;
  mayBeOutFrom: number;
  mustBeOutFrom: number;
  cause: Cause | undefined;
  way: string;
  /** The last answer, and the last close of a connection. */
  answeredAt: number;
  closedAt: number;
}

/** How late a client was cut off after one change, in milliseconds. */
export interface Lateness {
  readonly cause: Cause;
  readonly way: string;
  readonly answeredAfter: number;
  readonly closedAfter: number;
}

/** A client and its expected standing. */
export class Standing {
  readonly name: string;
  readonly role: Role;
  readonly kind: ConnectionKind;
  readonly #periods: Period[] = [];

  constructor({ name, role, kind }: { name: string; role: Role; kind: ConnectionKind }) {
    this.name = name;
    this.role = role;
    this.kind = kind;
  }

  /** Both outcomes are acceptable from now on: the change that admits the client has begun. */
  mayBeIn(at: number): void {
    this.#periods.push({
      mayBeInFrom: at,
      mustBeInFrom: Infinity,
      mayBeOutFrom: Infinity,
      mustBeOutFrom: Infinity,
      cause: undefined,
      way: '',
      answeredAt: 0,
      closedAt: 0,
    });
  }

  /** The change that admits the client is complete and must be effective; `Infinity` while another source is broken. */
  mustBeIn(at: number): void {
    this.#last.mustBeInFrom = at;
  }

  /**
   * Both outcomes are acceptable from now on: the change that excludes the client has begun. `way` is how it is made.
   */
  mayBeOut(at: number, cause: Cause, way: string): void {
    this.#last.mayBeOutFrom = at;
    this.#last.cause = cause;
    this.#last.way = way;
  }

  /**
   * The change that excludes the client is complete and must be effective; `Infinity` while another source is broken.
   */
  mustBeOut(at: number): void {
    this.#last.mustBeOutFrom = at;
  }

  /** Whether the server's answer at a given time came too late, or went to a client that was never admitted. */
  isLate(at: number): boolean {
    const period = this.#at(at);
    if (period === undefined) return true;
    period.answeredAt = Math.max(period.answeredAt, at);
    return at > period.mustBeOutFrom + graceMs;
  }

  /** Whether a request between two times must not have failed. */
  isLoss(from: number, to: number): boolean {
    return this.#periods.some(
      ({ mustBeInFrom, mayBeOutFrom }) => from >= mustBeInFrom + graceMs && to < mayBeOutFrom,
    );
  }

  /** Records that the server closed its connection. */
  noteEnd(at: number): void {
    const period = this.#at(at);
    if (period !== undefined) period.closedAt = Math.max(period.closedAt, at);
  }

  /** How late it was cut off, for every change whose grace period is over by `at`. */
  lateness(at: number): Lateness[] {
    return this.#periods.flatMap(({ cause, way, mustBeOutFrom, answeredAt, closedAt }) => {
      if (cause === undefined || mustBeOutFrom + graceMs > at) return [];
      const after = (time: number): number => Math.max(0, time - mustBeOutFrom);
      return [{ cause, way, answeredAfter: after(answeredAt), closedAfter: after(closedAt) }];
    });
  }

  get #last(): Period {
    const last = this.#periods.at(-1);
    if (last === undefined) throw new Error(`${this.name} was never admitted`);
    return last;
  }

  #at(at: number): Period | undefined {
    return this.#periods.findLast(({ mayBeInFrom }) => mayBeInFrom <= at);
  }
}
