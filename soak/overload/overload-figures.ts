/**
 * What became of revoked clients that kept a server busy.
 *
 * @module
 */
import { graceMs, overloads } from '../plan.js';

/** All revocations under one load. Times are the worst of them, in milliseconds from the write of the CRL. */
export interface OverloadFigures {
  /** The name of the load. */
  readonly name: string;
  readonly revocations: number;
  /** The number of requests or messages that reached a handler. */
  readonly handled: number;
  /** Until a handler had finished the last request or message. */
  readonly lastHandledMs: number;
  /** Until the client saw the last of its connections closed. */
  readonly closedMs: number;
  /** The number of requests or messages that reached a handler after the commit of the CRL. */
  readonly afterCommit: number;
}

/** The reasons why the run failed, one sentence each. */
export function overloadFailures(figures: readonly OverloadFigures[]): string[] {
  const missing = overloads
    .filter(({ name }) => !figures.some((each) => each.name === name))
    .map(({ name }) => `no client was revoked under a load of ${name}`);
  const late = figures
    .filter(({ lastHandledMs }) => lastHandledMs > graceMs)
    .map(
      ({ name, lastHandledMs }) =>
        `under a load of ${name}, a revoked client was served for ${lastHandledMs} ms; the limit is ${graceMs}`,
    );
  const after = figures
    .filter(({ afterCommit }) => afterCommit > 0)
    .map(
      ({ name, afterCommit }) =>
        `under a load of ${name}, ${afterCommit} of what a revoked client sent reached a handler after the commit`,
    );
  return [...missing, ...late, ...after];
}
