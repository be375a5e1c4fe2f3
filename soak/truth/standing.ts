/**
 * What is true of one client: when it has to be served, when it has to be out,
 * and when both are right. Times are `machineTime()`.
 *
 * @module
 */
import { type ConnectionKind, graceMs, type Role } from '../plan.js';

/** Why a client is out. */
export type Cause = 'revoked' | 'expired' | 'CA removed';

/** The way of a revocation under the name of `sni`, whose CA has a CRL of its own. */
export const underSni = 'under a name of sni';

/** One time in which a client is let in, from the first that it may be to the last. */
interface Period {
  readonly mayBeInFrom: number;
  mustBeInFrom: number;
  mayBeOutFrom: number;
  mustBeOutFrom: number;
  cause: Cause | undefined;
  way: string;
  /** The last answer, and the last end of a connection. */
  answeredAt: number;
  closedAt: number;
}

/** How late a client was out after one change, in milliseconds. */
export interface Lateness {
  readonly cause: Cause;
  readonly way: string;
  readonly answeredAfter: number;
  readonly closedAfter: number;
}

/** A client, and what is true of it. */
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

  /** Both are right from now on: the change that lets it in has begun. */
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

  /** The change that lets it in is complete, and counts; `Infinity`: something broken lies beside it. */
  mustBeIn(at: number): void {
    this.#last.mustBeInFrom = at;
  }

  /** Both are right from now on: the change that puts it out has begun. `way` says how it is made. */
  mayBeOut(at: number, cause: Cause, way: string): void {
    this.#last.mayBeOutFrom = at;
    this.#last.cause = cause;
    this.#last.way = way;
  }

  /** The change that puts it out is complete, and counts; `Infinity`: something broken lies beside it. */
  mustBeOut(at: number): void {
    this.#last.mustBeOutFrom = at;
  }

  /** Whether an answer that the server gave at a time came too late, or to somebody who was never let in. */
  isLate(at: number): boolean {
    const period = this.#at(at);
    if (period === undefined) return true;
    period.answeredAt = Math.max(period.answeredAt, at);
    return at > period.mustBeOutFrom + graceMs;
  }

  /** Whether what failed between two times must not have failed. */
  isLoss(from: number, to: number): boolean {
    return this.#periods.some(
      ({ mustBeInFrom, mayBeOutFrom }) => from >= mustBeInFrom + graceMs && to < mayBeOutFrom,
    );
  }

  /** Notes when the server ended its connection. */
  noteEnd(at: number): void {
    const period = this.#at(at);
    if (period !== undefined) period.closedAt = Math.max(period.closedAt, at);
  }

  /** How late it was out, of every change whose grace is over by `at`. */
  lateness(at: number): Lateness[] {
    return this.#periods.flatMap(({ cause, way, mustBeOutFrom, answeredAt, closedAt }) => {
      if (cause === undefined || mustBeOutFrom + graceMs > at) return [];
      const after = (time: number): number => Math.max(0, time - mustBeOutFrom);
      return [{ cause, way, answeredAfter: after(answeredAt), closedAfter: after(closedAt) }];
    });
  }

  get #last(): Period {
    const last = this.#periods.at(-1);
    if (last === undefined) throw new Error(`${this.name} was never let in`);
    return last;
  }

  #at(at: number): Period | undefined {
    return this.#periods.findLast(({ mayBeInFrom }) => mayBeInFrom <= at);
  }
}
