/**
 * What a soak finds.
 *
 * @module
 */
import type { ServerFigures, Tally } from './programs/server.js';
import type { Counts } from './truth/checker.js';
import type { Cause } from './truth/standing.js';

/** How late clients were out after the changes of one cause, all of them or those made in one way, in milliseconds. */
export interface LatenessFigures {
  readonly cause: Cause;
  /** `undefined`: however they were made. */
  readonly way?: string | undefined;
  /** How many clients had to be out for it. */
  readonly clients: number;
  /** The last answer to each, as the server saw it; 0: none after the change. */
  readonly answeredAfter: { readonly p99: number; readonly max: number };
  /** The end of each one's open connection, as the client saw it. */
  readonly closedAfter: { readonly p99: number; readonly max: number };
}

/** Resident memory of the server. */
export interface MemoryFigures {
  readonly megabytesAMinute: number;
  /** The same of what V8 counts of it: where resident memory grows, this says in which half. Not asserted. */
  readonly countedMegabytesAMinute: number;
  readonly samples: number;
  /** From how many seconds on the samples count. */
  readonly warmUpSeconds: number;
  /** Whether the run was long enough for the slope to mean something. */
  readonly isAsserted: boolean;
  /** In MB: when the warm-up was over, at the end, and at most. */
  readonly warm: number;
  readonly last: number;
  readonly peak: number;
  /** Each sample, in MB. */
  readonly resident: readonly number[];
}

/** What was done to the server's files. */
export interface Changes {
  readonly goodLists: Tally;
  readonly brokenLists: Tally;
  /** Sources that were broken for a while, by the fault. */
  readonly brokenSources: Tally;
  readonly rotations: Tally;
  readonly casAdded: number;
  readonly casRemoved: number;
}

/** A whole run. */
export interface SoakResult {
  readonly measuredAt: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly counts: Counts;
  readonly lateness: readonly LatenessFigures[];
  readonly changes: Changes;
  /** How many different certificates of the servers new connections saw. */
  readonly serverCertificates: number;
  readonly server: ServerFigures;
  readonly memory: MemoryFigures;
  /** What the server still held open after it had closed everything. */
  readonly left: readonly string[];
  /** How its process ended by itself: an exit code or a signal; `null`: it did not. */
  readonly exit: number | string | null;
  /** What the checker saw go wrong, a sentence each. */
  readonly seen: readonly string[];
}
