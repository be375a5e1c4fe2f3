/**
 * The result of a soak.
 *
 * @module
 */
import type { OverloadFigures } from './overload/overload-figures.js';
import type { ConnectionKind } from './plan.js';
import type { ServerFigures, Tally } from './programs/server.js';
import type { Counts } from './truth/checker.js';
import type { Cause } from './truth/standing.js';

/** How late clients were cut off after the changes with one cause, or those made in one way, in milliseconds. */
export interface LatenessFigures {
  readonly cause: Cause;
  /** `undefined` for all ways. */
  readonly way?: string | undefined;
  /** The number of clients affected. */
  readonly clients: number;
  /** The last answer to each client by the server's clock; 0 if there was none after the change. */
  readonly answeredAfter: { readonly p99: number; readonly max: number };
  /** The close of each open connection by the client's clock. */
  readonly closedAfter: { readonly p99: number; readonly max: number };
}

/** Resident memory of the server. */
export interface MemoryFigures {
  readonly megabytesAMinute: number;
  /** The same for the memory that V8 accounts for, to locate growth of resident memory. Not asserted. */
  readonly countedMegabytesAMinute: number;
  readonly samples: number;
  /** Samples before this many seconds are ignored. */
  readonly warmUpSeconds: number;
  /** Whether the run is long enough for a meaningful slope. */
  readonly isAsserted: boolean;
  /** In MB: after the warm-up, at the end, and at most. */
  readonly warm: number;
  readonly last: number;
  readonly peak: number;
  /** Each sample, in MB. */
  readonly resident: readonly number[];
}

/** The changes to the server's files. */
export interface Changes {
  readonly goodLists: Tally;
  readonly brokenLists: Tally;
  /** Sources that were temporarily broken, by fault. */
  readonly brokenSources: Tally;
  readonly rotations: Tally;
  readonly casAdded: number;
  readonly casRemoved: number;
}

/** The result of a run. */
export interface SoakResult {
  readonly measuredAt: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly counts: Counts;
  readonly lateness: readonly LatenessFigures[];
  readonly changes: Changes;
  /** How often the servers were asked for standing faults, and how often one of them had none. */
  readonly standingFaults: { readonly samples: number; readonly without: number };
  /** One for each load. */
  readonly overloads: readonly OverloadFigures[];
  /** The kinds of connection that this machine cannot have, because nginx or Redis is not installed. */
  readonly skippedKinds: readonly ConnectionKind[];
  /** The number of different server certificates that new connections received. */
  readonly serverCertificates: number;
  readonly server: ServerFigures;
  readonly memory: MemoryFigures;
  /** What the server held open after closing everything. */
  readonly left: readonly string[];
  /** How its process ended by itself: an exit code or a signal; `null` if it did not. */
  readonly exit: number | string | null;
  /** The failures that the checker found, one sentence each. */
  readonly seen: readonly string[];
}
